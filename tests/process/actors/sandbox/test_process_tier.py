"""The process tier against code that nobody vouches for, each attack really run."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.sandbox.landlock import landlock_abi
from actors.sandbox.process import Ended, ProcessSandbox, ProcessSpec

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(landlock_abi() < 6, reason="needs Landlock with scopes"),
]
READABLE = ["/usr", "/lib", "/lib64", "/etc", "/proc", "/dev", sys.base_prefix]


async def run(folder: Path, code: str, *, strict: bool = True) -> Ended:
    spec = ProcessSpec(
        argv=[sys.executable, "-I", "-S", "-c", code],
        cwd=str(folder),
        env={"PATH": "/usr/bin:/bin"},
        log=str(folder / "log"),
        write_roots=[str(folder)],
        read_roots=[*READABLE, sys.prefix] if strict else None,
        strict=strict,
        deadline_seconds=30,
    )
    sandbox = await ProcessSandbox.start(spec)
    try:
        return await sandbox.wait(60)
    finally:
        await sandbox.close()


@pytest.fixture
def bystander() -> Iterator[int]:
    """A process of the host's."""
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    yield pid
    os.kill(pid, 9)
    os.waitpid(pid, 0)


ATTACKS = {
    "connects a pathname socket": "import socket; socket.socket(1).connect({socket!r})",
    "opens an internet socket": "import socket; socket.socket(2)",
    "opens a VM socket": "import socket; socket.socket(40, 1)",
    "reads another's file": "open({secret!r}).read()",
    "writes outside": "open({outside!r}, 'w')",
    "links a file in": "import os; os.link({secret!r}, 'mine')",
    "follows its own link": "import os; os.symlink({secret!r}, 'l'); open('l').read()",
    "signals the host": "import os; os.kill({bystander}, 15)",
    "traces": "import ctypes; assert ctypes.CDLL(None).ptrace(16, {bystander}, 0, 0) == 0",
    "makes a namespace": "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0",
    "reads the host's environment": "open('/proc/{bystander}/environ').read()",
    "regains a capability": (
        "import ctypes, struct; head = struct.pack('Ii', 0x20080522, 0);"
        "assert ctypes.CDLL(None).capset(head, struct.pack('6I', *[0xffffffff] * 6)) == 0"
    ),
    "gives a file away": "import os; open('f', 'w').close(); os.chown('f', 1, 1)",
    "mounts": "import ctypes; assert ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, 0) == 0",
    "asks the keyring": "import ctypes; assert ctypes.CDLL(None).syscall(250, 0, -3, 1) > 0",
    "opens io_uring": (
        "import ctypes; assert ctypes.CDLL(None).syscall(425, 4, ctypes.create_string_buffer(120))"
        " >= 0"
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_ends_blocked(attack: str, tmp_path: Path, bystander: int) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (tmp_path / "secret").write_text("of another tenant")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        names = {"socket": server.getsockname(), "secret": str(tmp_path / "secret")}
        code = ATTACKS[attack].format(outside=str(tmp_path / "new"), bystander=bystander, **names)
        ended = await run(mine, code)
    assert ended.exit_code not in {0, 127}, (mine / "log").read_text()
    assert not (tmp_path / "new").exists()


async def test_honest_code_runs_strictly(tmp_path: Path) -> None:
    code = "import asyncio, subprocess; asyncio.run(asyncio.sleep(0)); subprocess.run('true')"
    ended = await run(tmp_path, code)
    assert ended.exit_code == 0, (tmp_path / "log").read_text()


async def test_a_suite_keeps_its_sockets_and_namespaces(tmp_path: Path) -> None:
    code = (
        "import socket, ctypes; [socket.socket(one) for one in (1, 2, 10)];"
        "socket.socket(16, socket.SOCK_RAW);"
        "assert ctypes.CDLL(None).unshare(0x10000000) == 0"
    )
    ended = await run(tmp_path, code, strict=False)
    assert ended.exit_code == 0, (tmp_path / "log").read_text()
