"""What is gVisor's own about its sandboxes; the rest is in the port's contract."""

import asyncio
import os
import select
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.sandbox.gvisor import GvisorSandbox
from actors.sandbox.inside import bundle
from actors.sandbox.snapshots import Snapshots
from actors.sandbox.template import Template
from actors.sandbox.tier_probe import probe_gvisor_tier
from actors.sandbox.users import FIRST, Users
from actors.sandbox.watchdog import tree
from harness.domain.sandbox import Bind, Command, SandboxSpec
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.errors import TierUnavailable
from tests.fakes.entropy import FakeEntropy
from tests.support.runsc import gvisor_host, gvisor_template, runsc

pytestmark = pytest.mark.process
needs_root = pytest.mark.skipif(not Users.of_this_process().available, reason="needs root")
ECHO = """
import socket
server = socket.create_server(("127.0.0.1", 8000))
open("up", "w").close()
while True:
    with server.accept()[0] as connection:
        while data := connection.recv(100000):
            connection.sendall(data)
"""


@pytest.fixture
async def template() -> AsyncIterator[Template]:
    found = await gvisor_template()
    yield found
    found.close()


@pytest.fixture
async def sandbox(template: Template) -> AsyncIterator[GvisorSandbox]:
    made = await template.spawn(SandboxSpec("tenant"))
    assert isinstance(made, GvisorSandbox)
    yield made
    await made.close()


@pytest.mark.long
async def test_another_kernel_answers(sandbox: GvisorSandbox) -> None:
    said = await sandbox.exec(Command(code="import os; print(os.uname().release)"))
    assert said.stdout.strip().decode() != os.uname().release


@pytest.mark.long
async def test_what_serves_it_is_nobody_on_the_host(sandbox: GvisorSandbox) -> None:
    serving = list(tree(sandbox.pid))
    assert len(serving) >= 3
    for pid in serving:
        assert all(user >= FIRST + bundle.KEEPERS for user in users_of(pid))
        for kind in ("net", "mnt", "pid", "user"):
            assert namespace(pid, kind) != namespace("self", kind)


def users_of(pid: int) -> list[int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return [int(one) for line in lines if line.startswith("Uid:") for one in line.split()[1:]]


def namespace(pid: int | str, kind: str) -> Path:
    return Path(f"/proc/{pid}/ns/{kind}").readlink()


@pytest.mark.long
async def test_nothing_is_left_of_it(template: Template) -> None:
    sandbox = await template.spawn(SandboxSpec("tenant"))
    serving = [os.pidfd_open(pid) for pid in tree(sandbox.pid)]
    running = sandbox.start(Command(argv=["sleep", "60"]))
    await sandbox.close()
    assert (await running.wait()).signal == signal.SIGKILL
    assert all(has_ended(one) for one in serving)


@pytest.mark.long
def test_a_host_that_dies_takes_its_sandboxes_along() -> None:
    runsc()
    reader, writer = os.pipe()
    host = os.fork()
    if host == 0:
        asyncio.run(a_host_that_waits(writer))
    os.close(writer)
    try:
        assert select.select([reader], [], [], 30)[0]
        pids = os.read(reader, 10000).split()
    finally:
        os.close(reader)
        serving = [os.pidfd_open(int(pid)) for pid in pids]
        os.kill(host, signal.SIGKILL)
        os.waitpid(host, 0)
    assert len(serving) >= 3
    assert all(has_ended(one) for one in serving)


async def a_host_that_waits(writer: int) -> None:
    template = await gvisor_template()
    sandbox = await template.spawn(SandboxSpec("tenant"))
    os.write(writer, " ".join(map(str, tree(sandbox.pid))).encode())
    await asyncio.sleep(60)


@pytest.mark.long
async def test_a_server_inside_is_reached_with_much_to_say(sandbox: GvisorSandbox) -> None:
    running = sandbox.start(Command(code=ECHO))
    await sandbox.exec(Command(argv=["sh", "-c", "while [ ! -e up ]; do sleep 0.01; done"]))
    reader, writer = await asyncio.open_connection(sock=await sandbox.connect(8000))
    sent = os.urandom(3 << 20)
    writer.write(sent)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(-1), 30) == sent
    writer.close()
    running.end()
    await running.wait()


@pytest.mark.long
async def test_a_port_without_a_server_ends_at_once(sandbox: GvisorSandbox) -> None:
    reader, writer = await asyncio.open_connection(sock=await sandbox.connect(9))
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


@pytest.mark.long
async def test_who_connects_inside_arrives_outside(sandbox: GvisorSandbox) -> None:
    first, second = await sandbox.listen([8080, 8081])
    dial = (
        "import socket\n"
        "for port in (8081, 8080):\n"
        "    s = socket.create_connection(('localhost', port)); print(s.recv(9))"
    )
    running = sandbox.start(Command(code=dial))
    with first, second:
        await answered(second, b"two")
        await answered(first, b"one")
    assert (await running.wait()).stdout == b"b'two'\nb'one'\n"


async def answered(listener: socket.socket, text: bytes) -> None:
    loop = asyncio.get_running_loop()
    connection, _ = await asyncio.wait_for(loop.sock_accept(listener), 20)
    with connection:
        await loop.sock_sendall(connection, text)


@pytest.mark.long
async def test_who_connects_where_nobody_accepts_any_more_is_refused(
    sandbox: GvisorSandbox,
) -> None:
    (listener,) = await sandbox.listen([8080])
    listener.close()
    dial = "import socket; print(socket.create_connection(('localhost', 8080)).recv(9))"
    assert (await sandbox.exec(Command(code=dial))).stdout == b"b''\n"


@pytest.mark.long
async def test_a_bound_folder_is_seen_and_may_be_written(tmp_path: Path) -> None:
    for name in ("shown", "given"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    (tmp_path / "given").chmod(0o777)
    binds = [
        Bind(str(tmp_path / "shown"), "/data/shown"),
        Bind(str(tmp_path / "given"), "/data/given", writable=True),
    ]
    template = await gvisor_template(binds)
    sandbox = await template.spawn(SandboxSpec("tenant", binds))
    try:
        look = "cat /data/*/file; echo x > /data/shown/no; echo yes > /data/given/new; exit 0"
        result = await sandbox.exec(Command(argv=["sh", "-c", look]))
    finally:
        await sandbox.close()
        template.close()
    assert result.stdout == b"givenshown"
    assert (tmp_path / "given" / "new").read_text() == "yes\n"
    assert not (tmp_path / "shown" / "no").exists()


@pytest.mark.long
async def test_every_control_is_found_by_running_it() -> None:
    report = await probe_gvisor_tier(None, Users.of_this_process(), runsc())
    if not report.is_available:
        pytest.skip(report.reason)
    absent = {one for one in Control if report.holds(one) is Hold.ABSENT}
    assert absent == {Control.CPU}
    assert report.holds(Control.MEMORY) is Hold.WATCHDOG


@pytest.mark.long
async def test_a_host_gives_the_tier_that_was_asked_for(tmp_path: Path) -> None:
    host = gvisor_host(FakeEntropy(), tmp_path / "scratch", Snapshots(tmp_path / "snapshots"))
    look = Command(code="import os; print(os.uname().release)")
    try:
        releases = [
            (await host.exec(await host.create(SandboxSpec("tenant"), tier=tier), look)).stdout
            for tier in (Tier.NAMESPACE, Tier.GVISOR, Tier.NAMESPACE)
        ]
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    finally:
        await host.close()
    own = f"{os.uname().release}\n".encode()
    assert (releases[0], releases[2]) == (own, own)
    assert releases[1] != own


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    return fake(tmp_path, "echo no luck today >&2; exit 3")


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    return fake(tmp_path, "exec sleep 60")


def fake(folder: Path, does: str) -> Path:
    path = folder / "runsc"
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return path


@needs_root
async def test_what_a_failing_runsc_says_is_told(failing: Path) -> None:
    report = await probe_gvisor_tier(None, Users.of_this_process(), str(failing))
    assert not report.is_available
    assert "no luck today" in report.reason
    assert "ATH_RUNSC" in report.fix


@needs_root
async def test_a_runsc_that_does_nothing_is_given_up(
    silent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.sandbox.namespace.BORN_SECONDS", 0.5)
    report = await probe_gvisor_tier(None, Users.of_this_process(), str(silent))
    assert not report.is_available
    assert "gVisor said: nothing" in report.reason


@needs_root
async def test_a_missing_runsc_is_told() -> None:
    report = await probe_gvisor_tier(None, Users.of_this_process(), "no-such-runsc")
    assert (report.is_available, report.reason) == (False, "There is no program no-such-runsc.")


async def test_without_users_of_their_own_there_are_no_guests(failing: Path) -> None:
    report = await probe_gvisor_tier(None, Users(), str(failing))
    assert not report.is_available
    assert "root" in report.reason


def has_ended(handle: int) -> bool:
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)
