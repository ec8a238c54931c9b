"""What every tier of the sandbox does the same."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.sandbox.cgroup import find_roots
from actors.sandbox.landlock import landlock_abi
from actors.sandbox.process_tier import ProcessTierSandbox
from actors.sandbox.sandbox import Sandbox
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from harness.domain.sandbox import Chunk, Command, ExecResult, Limits, Reason, SandboxSpec
from harness.errors import Forbidden, InvalidInput, NotFound, TierUnavailable, Unavailable
from tests.support.runsc import gvisor_template

pytestmark = pytest.mark.process
SPEC = SandboxSpec(
    "tenant",
    limits=Limits(memory_bytes=128 << 20, disk_bytes=32 << 20),
    environ={"OF_ALL": "all", "OF_BOTH": "all"},
)


@pytest.fixture(params=["namespace", "process", pytest.param("gvisor", marks=pytest.mark.long)])
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    if request.param == "process":
        if landlock_abi() < 6:
            pytest.skip("needs Landlock with scopes")
        bare = ProcessTierSandbox(SPEC, tmp_path / "sandbox")
        yield bare
        await bare.close()
        return
    template = await (gvisor_template() if request.param == "gvisor" else namespace_template())
    made = await template.spawn(SPEC)
    yield made
    await made.close()
    template.close()


async def namespace_template() -> Template:
    try:
        return await Template.start([], find_roots(), Users.of_this_process())
    except TierUnavailable as missing:
        pytest.skip(str(missing))


def shell(text: str, **more: object) -> Command:
    return Command(argv=["sh", "-c", text], **more)  # type: ignore[arg-type]  # its own fields


async def test_a_command_gives_its_outputs_and_code(sandbox: Sandbox) -> None:
    result = await sandbox.exec(shell("cat; echo oh >&2; exit 3", stdin=b"hello"))
    assert (result.exit_code, result.signal, result.reason) == (3, None, Reason.EXIT)
    assert (result.stdout, result.stderr, result.ok) == (b"hello", b"oh\n", False)
    assert result.usage.cpu_seconds > 0


async def test_a_program_is_found_by_its_name_or_said_to_be_missing(sandbox: Sandbox) -> None:
    assert (await sandbox.exec(Command(argv=["true"]))).ok
    for name in ("no-such-program", "/no/such/program", "./none"):
        result = await sandbox.exec(Command(argv=[name]))
        assert (result.exit_code, b"cannot start" in result.stderr) == (127, True)


async def test_code_runs_as_a_program_of_its_own(sandbox: Sandbox) -> None:
    assert (await sandbox.exec(Command(code="x = 1"))).ok
    result = await sandbox.exec(Command(code="import sys\nprint(x)"))
    assert result.exit_code == 1
    assert b"NameError" in result.stderr
    assert (await sandbox.exec(Command(code="raise SystemExit(7)"))).exit_code == 7


async def test_a_commands_environment_goes_before_the_sandboxes(sandbox: Sandbox) -> None:
    command = shell("echo $OF_ALL $OF_BOTH $OF_ONE", environ={"OF_BOTH": "one", "OF_ONE": "one"})
    assert (await sandbox.exec(command)).stdout == b"all one one\n"


async def test_nothing_of_the_hosts_environment_is_seen(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_HOST", "secret")
    assert b"OF_THE_HOST" not in (await sandbox.exec(Command(argv=["env"]))).stdout


async def test_a_working_folder_is_named_alike(sandbox: Sandbox) -> None:
    sandbox.files.make_folder("a")
    sandbox.files.write("a/f", b"x")
    assert (await sandbox.exec(shell("cat f", cwd="/workspace/a"))).stdout == b"x"
    assert (await sandbox.exec(shell("true", cwd="/workspace/b"))).exit_code == 127


async def test_a_signal_is_told(sandbox: Sandbox) -> None:
    result = await sandbox.exec(shell("kill -11 $$"))
    assert (result.exit_code, result.signal, result.reason) == (None, 11, Reason.EXIT)


async def test_a_timeout_is_a_result_and_leaves_it_usable(sandbox: Sandbox) -> None:
    command = shell("echo begun; (setsid sleep 60 &); sleep 60 & sleep 60", timeout_seconds=1)
    result = await sandbox.exec(command)
    assert (result.reason, result.stdout) == (Reason.TIMEOUT, b"begun\n")
    assert (await sandbox.exec(shell("echo on"))).stdout == b"on\n"


async def test_a_timeout_spares_other_commands(sandbox: Sandbox) -> None:
    other = sandbox.start(shell("sleep 1; echo lived"))
    result = await sandbox.exec(shell("sleep 60 & sleep 60", timeout_seconds=0.2))
    assert result.reason is Reason.TIMEOUT
    assert (await other.wait()).stdout == b"lived\n"


async def test_output_is_streamed_before_the_end(sandbox: Sandbox) -> None:
    command = shell("echo one; while [ ! -e go ]; do sleep 0.01; done; echo two")
    items: list[Chunk | ExecResult] = []
    async for item in sandbox.exec_stream(command):
        items.append(item)
        if item == Chunk("stdout", b"one\n"):
            sandbox.files.write("go", b"")
    assert items[:2] == [Chunk("stdout", b"one\n"), Chunk("stdout", b"two\n")]
    assert isinstance(items[-1], ExecResult)
    assert items[-1].stdout == b"one\ntwo\n"


async def test_head_and_tail_of_much_output_are_kept(sandbox: Sandbox) -> None:
    result = await sandbox.exec(shell("seq 1 100000", output_bytes=10))
    assert (result.stdout, result.ok) == (b"1\n2\n30000\n", True)
    assert result.stdout_dropped == 588895 - 10


async def test_endless_output_ends_its_command(sandbox: Sandbox) -> None:
    result = await sandbox.exec(Command(argv=["yes"], output_limit_bytes=1 << 20))
    assert result.reason is Reason.OUTPUT


async def test_a_memory_hog_is_ended(sandbox: Sandbox) -> None:
    hog = "b = bytearray(1 << 20)\nwhile True: b += bytes(1 << 20)"
    assert (await sandbox.exec(Command(code=hog))).reason is Reason.OOM
    assert (await sandbox.exec(shell("true"))).ok


async def test_an_ended_command_is_killed(sandbox: Sandbox) -> None:
    running = sandbox.start(shell("sleep 60"))
    running.end()
    assert (await running.wait()).reason is Reason.KILLED


async def test_a_cancelled_command_is_killed(sandbox: Sandbox) -> None:
    task = asyncio.ensure_future(sandbox.exec(shell("touch up; sleep 60; touch late")))
    await sandbox.exec(shell("while [ ! -e up ]; do sleep 0.01; done"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await sandbox.exec(shell("true"))).ok


async def test_a_paused_sandbox_stands_still(sandbox: Sandbox) -> None:
    running = sandbox.start(shell("while true; do echo x >> ticks; sleep 0.01; done"))
    await sandbox.exec(shell("while [ ! -s ticks ]; do sleep 0.01; done"))
    await sandbox.pause()
    before = sandbox.files.stat("ticks").size
    await asyncio.sleep(0.1)
    assert sandbox.files.stat("ticks").size == before
    await sandbox.resume()
    await sandbox.exec(shell(f"while [ $(wc -c < ticks) = {before} ]; do sleep 0.01; done"))
    running.end()
    await running.wait()
    assert [one.kind for one in sandbox.events()] == ["sandbox.paused", "sandbox.resumed"]


async def test_files_go_in_and_out_and_no_path_leads_out(sandbox: Sandbox) -> None:
    sandbox.files.write("in", b"one", 0o600)
    assert (await sandbox.exec(shell("cat in; echo two > in; ln -s /etc/passwd out"))).ok
    assert sandbox.files.read("in") == b"two\n"
    with pytest.raises(Forbidden):
        sandbox.files.read("out")
    with pytest.raises(NotFound):
        sandbox.files.read("none")


async def test_its_lifetime_ends_it(sandbox: Sandbox) -> None:
    running = sandbox.start(shell("sleep 60"))
    sandbox.set_timeout(0.2)
    assert await sandbox.wait() is Reason.TIMEOUT
    assert (await running.wait()).reason is Reason.TIMEOUT
    assert (sandbox.has_ended, sandbox.reason) == (True, Reason.TIMEOUT)
    assert sandbox.events()[-1].facts == {"reason": "timeout"}
    with pytest.raises(Unavailable, match="ended"):
        await sandbox.exec(shell("true"))
    with pytest.raises(InvalidInput, match="ended"):
        sandbox.files.read("f")
