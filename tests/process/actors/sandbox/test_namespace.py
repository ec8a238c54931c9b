import asyncio
import contextlib
import os
import select
import signal
import sys
from pathlib import Path

import pytest

from actors.sandbox.cgroup import PREFIX, find_roots
from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from harness.domain.sandbox import Bind, Chunk, Command, Reason, SandboxSpec
from harness.errors import InvalidInput, Unavailable

pytestmark = pytest.mark.process


def shell(text: str, **more: object) -> Command:
    return Command(argv=["sh", "-c", text], **more)  # type: ignore[arg-type]  # its own fields


async def test_the_largest_command_arrives(sandbox: NamespaceSandbox) -> None:
    code = "# " + "ü" * 21_000 + "\nprint('arrived')"
    assert (await sandbox.exec(Command(code=code))).stdout == b"arrived\n"


@pytest.mark.parametrize(
    "command",
    [
        Command(argv=["true"], environ={"A=B": "c"}),
        Command(argv=["true"], environ={"": "c"}),
        Command(argv=["true"], cwd="/no/such"),
        Command(argv=["/etc/passwd"]),
        Command(argv=["\udc80"], environ={"\udc80": "\udc80"}),
        Command(code="\udc80"),
    ],
)
async def test_a_command_that_cannot_start_hurts_nobody(
    sandbox: NamespaceSandbox, command: Command
) -> None:
    assert (await sandbox.exec(command)).exit_code in {1, 127}
    assert (await sandbox.exec(shell("true"))).ok


async def test_code_runs_as_a_program_of_its_own(sandbox: NamespaceSandbox) -> None:
    assert (await sandbox.exec(Command(code="x = 1"))).ok
    result = await sandbox.exec(Command(code="import sys\nprint(x)"))
    assert result.exit_code == 1
    assert b"NameError" in result.stderr
    assert b"inside" not in result.stderr, "no path of the platform's is told"
    assert (await sandbox.exec(Command(code="raise SystemExit(7)"))).exit_code == 7


async def test_a_slow_reader_slows_the_command_and_loses_nothing(
    sandbox: NamespaceSandbox,
) -> None:
    size = 0
    command = shell("head -c 20000000 /dev/zero", output_bytes=10)
    async for item in sandbox.exec_stream(command):
        if isinstance(item, Chunk):
            size += len(item.data)
            await asyncio.sleep(0)
    assert size == 20_000_000


async def test_a_descriptor_is_inherited_under_its_number(sandbox: NamespaceSandbox) -> None:
    reader, writer = os.pipe()
    try:
        await sandbox.exec(shell("echo through >&7", fds={7: writer}))
        assert os.read(reader, 100) == b"through\n"
    finally:
        os.close(reader)
        os.close(writer)


async def test_a_listener_is_passed_out(sandbox: NamespaceSandbox) -> None:
    (listener,) = await sandbox.listen([8080])
    with listener:
        dial = "import socket; s = socket.create_connection(('localhost', 8080)); print(s.recv(9))"
        running = sandbox.start(Command(code=dial))
        made, _ = await asyncio.get_running_loop().sock_accept(listener)
        with made:
            made.sendall(b"from out")
        assert (await running.wait()).stdout == b"b'from out'\n"


async def test_a_server_inside_is_reached_from_outside(sandbox: NamespaceSandbox) -> None:
    serve = (
        "import socket; s = socket.create_server(('127.0.0.1', 9000)); print('up', flush=True)\n"
        "s.accept()[0].sendall(b'inside')"
    )
    async for item in sandbox.exec_stream(Command(code=serve)):
        if isinstance(item, Chunk) and item.data == b"up\n":
            reader, writer = await asyncio.open_connection(sock=await sandbox.connect(9000))
            assert await reader.read() == b"inside"
            writer.close()


async def test_a_port_that_is_taken_is_refused(sandbox: NamespaceSandbox) -> None:
    (one,) = await sandbox.listen([8080])
    with one, pytest.raises(Unavailable, match="could not listen"):
        await sandbox.listen([8081, 8080])


async def test_it_ends_with_its_template(template: Template, sandbox: NamespaceSandbox) -> None:
    running = sandbox.start(shell("sleep 60"))
    before = groups()
    template.close()
    assert (await running.wait()).reason is Reason.KILLED
    await sandbox.wait()
    with pytest.raises(Unavailable, match="template"):
        await template.spawn(SandboxSpec("tenant"))
    assert len(groups()) < len(before) or not before


async def test_nothing_is_left_of_it(template: Template) -> None:
    before = groups()
    sandbox = await template.spawn(SandboxSpec("tenant"))
    sandbox.start(shell("setsid sleep 60 & sleep 60"))
    pid = sandbox.pid
    await sandbox.close()
    assert groups() == before
    assert not _is_alive(pid)


def test_a_host_that_dies_takes_its_sandboxes_along() -> None:
    reader, writer = os.pipe()
    host = os.fork()
    if host == 0:
        asyncio.run(_host_that_waits(writer))
        os._exit(0)
    os.close(writer)
    pid = int(os.read(reader, 20))
    os.close(reader)
    ended = os.pidfd_open(pid)
    os.kill(host, signal.SIGKILL)
    os.waitpid(host, 0)
    assert select.select([ended], [], [], 20)[0]
    os.close(ended)


async def _host_that_waits(writer: int) -> None:
    template = await Template.start([], None, Users.of_this_process())
    sandbox = await template.spawn(SandboxSpec("tenant"))
    sandbox.start(shell("sleep 60"))
    os.write(writer, str(sandbox.pid).encode())
    await asyncio.sleep(60)


async def test_a_bound_folder_is_seen_and_may_be_written(tmp_path: Path) -> None:
    for name in ("shown", "given"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    (tmp_path / "given").chmod(0o777)
    binds = [
        Bind(str(tmp_path / "shown"), "/data/shown"),
        Bind(str(tmp_path / "given"), "/data/given", writable=True),
    ]
    template = await Template.start(binds, find_roots(), Users.of_this_process())
    sandbox = await template.spawn(SandboxSpec("tenant", binds))
    try:
        look = shell(
            "cat /data/*/file; echo x > /data/shown/no; echo yes > /data/given/new; exit 0"
        )
        result = await sandbox.exec(look)
    finally:
        await sandbox.close()
        template.close()
    assert result.stdout == b"givenshown"
    assert (tmp_path / "given" / "new").read_text() == "yes\n"
    assert not (tmp_path / "shown" / "no").exists()


@pytest.mark.parametrize(
    "target",
    ["/workspace", "relative", "/", "/a/../b", "/proc", "/tmp/x", "/etc/passwd", "/usr/local/x"],
)
async def test_a_bind_over_a_sandboxes_own_places_is_refused(target: str) -> None:
    with pytest.raises(InvalidInput, match="bound"):
        await Template.start([Bind("/usr", target)], None, Users())


async def test_a_bind_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not there"):
        await Template.start([Bind(str(tmp_path / "no"), "/data")], None, Users())


async def test_a_template_that_cannot_run_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit('no such luck')")
    monkeypatch.setattr("actors.sandbox.template.SCRIPT", tmp_path / "broken.py")
    with pytest.raises(Unavailable, match="no such luck"):
        await Template.start([], None, Users())


def groups() -> list[str]:
    roots = find_roots()
    folders = roots.folders.values() if roots else ()
    return sorted(
        place.name for folder in folders for place in folder.glob(f"{PREFIX}{os.getpid()}-*")
    )


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def test_an_executed_file_begins_as_any_program_does(sandbox: NamespaceSandbox) -> None:
    look = (
        "import os, signal\n"
        "numbers = set(range(1, 32)) - {9, 19}\n"
        "kept = {n for n in numbers if signal.getsignal(n) is signal.SIG_IGN} - {13, 25}\n"
        "print(sorted(kept), sorted(os.listdir('/proc/self/fd')), os.getcwd(), os.getsid(0))"
    )
    command = Command(argv=[f"{sys.base_prefix}/bin/python3", "-I", "-S", "-c", look], cwd="/tmp")
    alone = await sandbox.exec(command)
    beside = sandbox.start(Command(argv=["sleep", "60"]))
    crowded = await sandbox.exec(command)
    beside.end()
    for result in (alone, crowded):
        said, _, session = result.stdout.decode().strip().rpartition(" ")
        assert said == "[] ['0', '1', '2', '3'] /tmp", result
        assert session != "1"
    missing = await sandbox.exec(Command(argv=["no-such-program"]))
    assert (missing.exit_code, missing.reason) == (127, Reason.EXIT)
    assert b"cannot start" in missing.stderr
