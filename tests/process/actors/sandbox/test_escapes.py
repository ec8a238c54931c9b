"""More ways out than `test_attacks.py` tries, on both tiers, and what only time shows."""

import asyncio
import ctypes
import io
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from actors.sandbox.archive import pack
from actors.sandbox.landlock import landlock_abi
from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.process_tier import ProcessTierSandbox
from actors.sandbox.sandbox import Sandbox
from actors.sandbox.template import Template
from harness.domain.sandbox import Command, Reason, SandboxSpec
from harness.errors import HarnessError, TooLarge
from tests.process.actors.sandbox.conftest import SMALL
from tests.process.actors.sandbox.escapes import ESCAPES, PRELUDE, RUN

pytestmark = pytest.mark.process

SHARED_KEY = 0x61746861
_IPC_CREAT, _IPC_RMID = 0o1000, 0


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Mapping[str, object]]:
    """A process, a file and a shared segment of the host's."""
    (tmp_path / "secret").write_text("another tenant's")
    bystander = os.fork()
    if bystander == 0:
        os.setpgid(0, 0)
        while True:
            signal.pause()
    libc = ctypes.CDLL(None, use_errno=True)
    shared = libc.shmget(SHARED_KEY, 4096, _IPC_CREAT | 0o666)
    yield {
        "secret": str(tmp_path / "secret"),
        "bystander": bystander,
        "group": bystander,
        "shared_key": SHARED_KEY,
        "shared_id": shared,
    }
    libc.shmctl(shared, _IPC_RMID, 0)
    assert os.waitpid(bystander, os.WNOHANG) == (0, 0), "the host's process was hit"
    assert os.getpriority(os.PRIO_PROCESS, bystander) == os.getpriority(os.PRIO_PROCESS, 0)
    os.kill(bystander, signal.SIGKILL)
    os.waitpid(bystander, 0)


async def escaped(sandbox: Sandbox, outside: Mapping[str, object]) -> Mapping[str, int]:
    """Those that worked, with 0, and those that are no valid attempt."""
    tried = {name: code.format(**outside) for name, code in ESCAPES.items()}
    code = PRELUDE + RUN.format(escapes=json.dumps(tried))
    result = await sandbox.exec(Command(code=code, timeout_seconds=60))
    assert result.ok, result
    assert result.stderr == b""
    found: Mapping[str, int] = json.loads(result.stdout)
    return found


async def test_no_way_leads_out_of_namespaces(
    sandbox: NamespaceSandbox, neighbour: NamespaceSandbox, outside: Mapping[str, object]
) -> None:
    assert await escaped(sandbox, outside) == {}
    for one in (sandbox, neighbour):
        assert (await one.exec(Command(argv=["true"]))).ok


@pytest.fixture
async def process_tier(tmp_path: Path) -> AsyncIterator[ProcessTierSandbox]:
    if landlock_abi() < 6:
        pytest.skip("needs Landlock with scopes")
    made = ProcessTierSandbox(SandboxSpec("tenant", limits=SMALL), tmp_path / "box")
    yield made
    await made.close()


async def test_no_way_leads_out_of_the_process_tier(
    process_tier: ProcessTierSandbox, outside: Mapping[str, object]
) -> None:
    assert await escaped(process_tier, outside) == {}
    assert (await process_tier.exec(Command(argv=["true"]))).ok


async def test_neighbours_meet_under_no_name(
    sandbox: NamespaceSandbox, neighbour: NamespaceSandbox
) -> None:
    offer = (
        "s = socket.socket(1); s.bind('\\0ath-meeting'); s.listen()\n"
        "must(libc.shmget(4711, 4096, 0o1666)); must(libc.semget(4711, 1, 0o1666))\n"
        "must(libc.msgget(4711, 0o1666)); open('/dev/shm/meeting', 'w')\n"
        "print('offered', flush=True); signal.pause()"
    )
    running = sandbox.start(Command(code=PRELUDE + offer), stream=True)
    async for chunk in running.stream():
        assert chunk.data == b"offered\n"
        break
    for attempt in (
        "socket.socket(1).connect('\\0ath-meeting')",
        "must(libc.shmget(4711, 4096, 0))",
        "must(libc.semget(4711, 1, 0))",
        "must(libc.msgget(4711, 0))",
        "open('/dev/shm/meeting')",
    ):
        result = await neighbour.exec(Command(code=PRELUDE + attempt))
        assert result.exit_code == 1, attempt
        assert b"Error" in result.stderr
    running.end()
    await running.wait()


DAEMON = """must(libc.prctl(36, 1, 0, 0, 0))
if os.fork() == 0:
  os.setsid()
  if os.fork() == 0: os.kill(os.getpid(), signal.SIGSTOP)
  os._exit(0)"""
DEAF = """[signal.signal(n, signal.SIG_IGN) for n in range(1, 32) if n not in (9, 19)]
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
if os.fork() == 0: signal.pause()"""
ZOMBIES = """try:
  while True:
    if os.fork() == 0: os._exit(0)
except OSError: pass"""
TRICKS = {
    "stop the first process": "os.kill(1, signal.SIGSTOP); os.kill(1, signal.SIGCONT)",
    "signal the first process": "[os.kill(1, n) for n in range(1, 65) if n not in (32, 33)]",
    "stop everybody": "os.kill(-1, signal.SIGSTOP)",
    "a daemon that is stopped, with a parent of orphans": DAEMON,
    "children that nobody waits for": ZOMBIES,
    "deaf children": DEAF,
}


@pytest.mark.parametrize("code", TRICKS.values(), ids=TRICKS.keys())
async def test_no_trick_with_processes_outlives_its_command(
    sandbox: NamespaceSandbox, code: str
) -> None:
    await sandbox.exec(Command(code=PRELUDE + code, timeout_seconds=5))
    seen = await sandbox.exec(
        Command(code="import os; print(sum(n.isdigit() for n in os.listdir('/proc')))")
    )
    assert seen.stdout == b"2\n", seen


@pytest.mark.parametrize("processes", [1, 24])
async def test_whoever_forks_while_he_is_killed_leaves_nobody(
    template: Template, processes: int
) -> None:
    sandbox = await template.spawn(SandboxSpec("tenant", limits=SMALL))
    forks = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    running = [sandbox.start(Command(code=forks)) for _ in range(processes)]
    await asyncio.sleep(0.2)
    user = sandbox.user
    await sandbox.close()
    for one in running:
        assert (await one.wait()).reason in (Reason.KILLED, Reason.PIDS)
    assert user is None or processes_of(user) == []


def processes_of(user: int) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.stat().st_uid == user:
                found.append((entry / "stat").read_text())
        except OSError:
            continue
    return found


async def test_pseudo_terminals_run_out_for_oneself_alone(
    sandbox: NamespaceSandbox, neighbour: NamespaceSandbox
) -> None:
    code = (
        "import os\nheld = []\n"
        "try:\n  while True: held += os.openpty()\n"
        "except OSError: print(len(held) // 2, flush=True)\n"
        "import signal; signal.pause()"
    )
    running = sandbox.start(Command(code=code), stream=True)
    async for chunk in running.stream():
        assert int(chunk.data) <= 64
        break
    assert (await neighbour.exec(Command(code="import os; os.openpty()"))).ok
    running.end()
    await running.wait()


@pytest.mark.parametrize(
    "flood",
    [
        "import os\nwhile True: os.write(1, b'x' * 65536)",
        "import os\nwhile True: os.write(1 + os.getpid() % 2, b'\\x00\\xff')",
        "import os\nos.fork(); os.fork()\nwhile True: os.write(2, b'\\n' * 65536)",
    ],
)
async def test_endless_output_is_bounded_whatever_it_looks_like(
    sandbox: NamespaceSandbox, flood: str
) -> None:
    command = Command(code=flood, output_limit_bytes=1 << 20, timeout_seconds=30)
    result = await sandbox.exec(command)
    assert result.reason is Reason.OUTPUT
    assert len(result.stdout) + len(result.stderr) <= 2 * command.output_bytes


BAIT = """
import os, socket
os.mkfifo("fifo")
os.symlink("/etc/shadow", "shadow")
os.symlink("/proc/self/fd/0", "descriptor")
os.symlink("loop", "loop")
os.symlink("/dev/zero", "endless")
socket.socket(1).bind("socket")
os.mkdir("shut", 0)
"""


@pytest.mark.parametrize(
    "name", ["fifo", "shadow", "descriptor", "loop", "endless", "socket", "shut/x", "."]
)
async def test_the_host_reads_no_bait(sandbox: NamespaceSandbox, name: str) -> None:
    assert (await sandbox.exec(Command(code=BAIT))).ok
    async with asyncio.timeout(5):
        with pytest.raises(HarnessError):
            await asyncio.to_thread(sandbox.files.read, name)
        with pytest.raises(HarnessError):
            await asyncio.to_thread(sandbox.files.write, name, b"x")


async def test_bait_stops_no_snapshot(sandbox: NamespaceSandbox) -> None:
    assert (await sandbox.exec(Command(code=BAIT))).ok
    packed = await asyncio.to_thread(pack, sandbox.files, io.BytesIO())
    assert packed.skipped == 2  # the pipe and the socket
    assert packed.bytes == 0


async def test_a_deep_tree_is_left_behind(sandbox: NamespaceSandbox) -> None:
    dig = (
        "import os\n"
        "try:\n  while True: os.mkdir('d' * 200); os.chdir('d' * 200)\n"
        "except OSError: pass"
    )
    assert (await sandbox.exec(Command(code=dig))).ok
    with pytest.raises(HarnessError):
        sandbox.files.read("/".join(["d" * 200] * 100))
    async with asyncio.timeout(20):
        await asyncio.to_thread(pack, sandbox.files, io.BytesIO())
        await sandbox.close()


async def test_holes_count_as_what_they_seem(sandbox: NamespaceSandbox) -> None:
    code = (
        "for n in range(100):\n"
        "  with open(f'hole{n}', 'wb') as file: file.truncate(16 << 20)\n"
        "try: open('larger', 'wb').truncate((16 << 20) + 1)\n"
        "except OSError: print('refused')"
    )
    result = await sandbox.exec(Command(code=code))
    assert result.stdout == b"refused\n", result
    with pytest.raises(TooLarge):
        await asyncio.to_thread(pack, sandbox.files, io.BytesIO(), 64 << 20)
