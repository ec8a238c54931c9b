import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.sandbox.archive import pack, unpack
from actors.sandbox.landlock import landlock_abi
from actors.sandbox.process_tier import ProcessTierSandbox
from harness.domain.sandbox import (
    Bind,
    Command,
    Limits,
    Reason,
    SandboxSpec,
)
from harness.errors import Forbidden, InvalidInput, TierUnavailable, Unavailable

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(landlock_abi() < 6, reason="needs Landlock with scopes"),
]
SMALL = Limits(memory_bytes=128 << 20, disk_bytes=8 << 20, file_bytes=64 << 20)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[ProcessTierSandbox]:
    made = ProcessTierSandbox(SandboxSpec("tenant", limits=SMALL), tmp_path / "sandbox")
    yield made
    await made.close()


def shell(text: str, **more: object) -> Command:
    return Command(argv=["sh", "-c", text], **more)  # type: ignore[arg-type]  # its own fields


async def test_a_timeout_ends_daemons_and_leaves_it_usable(sandbox: ProcessTierSandbox) -> None:
    code = "(setsid sleep 60 & echo $! > daemon); sleep 60"
    result = await sandbox.exec(shell(code, timeout_seconds=1))
    assert result.reason is Reason.TIMEOUT
    daemon = int(sandbox.files.read("daemon"))
    with pytest.raises(ProcessLookupError):
        os.kill(daemon, 0)
    assert (await sandbox.exec(shell("echo on"))).stdout == b"on\n"


@pytest.mark.parametrize(
    ("hog", "reason"),
    [
        ("b = bytearray(1 << 20)\nwhile True: b += bytes(1 << 20)", Reason.OOM),
        ("import time\nopen('f', 'wb').write(bytes(40 << 20))\ntime.sleep(60)", Reason.DISK),
        ("while True: print('x' * 1000)", Reason.OUTPUT),
    ],
)
async def test_a_hog_is_ended(sandbox: ProcessTierSandbox, hog: str, reason: Reason) -> None:
    result = await sandbox.exec(Command(code=hog, output_limit_bytes=1 << 20))
    assert result.reason is reason


@pytest.mark.parametrize(
    "attack",
    [
        "open({secret!r}).read()",
        "open('/etc/shadow').read()",
        "open({outside!r}, 'w')",
        "import os; os.link({secret!r}, 'mine')",
        "import os; os.listdir('/proc')",
        "open('/proc/{pid}/environ').read()",
        "open('/proc/{pid}/cmdline').read()",
        "import os; os.kill({pid}, 0)",
        "import os; os.kill(os.getppid(), 9)",
        "import socket; socket.socket(1)",
        "import socket; socket.socket(2)",
        "import os; os.setuid(12345); os.setuid(0)",
        "import os; os.rename('../workspace', '../other')",
    ],
)
async def test_an_attack_ends_blocked(
    sandbox: ProcessTierSandbox, tmp_path: Path, attack: str
) -> None:
    (tmp_path / "secret").write_text("another tenant's")
    names = {"secret": str(tmp_path / "secret"), "outside": str(tmp_path / "new")}
    result = await sandbox.exec(Command(code=attack.format(pid=os.getpid(), **names)))
    assert (result.exit_code, result.reason) == (1, Reason.EXIT), result
    assert b"Error" in result.stderr
    assert b"NameError" not in result.stderr
    assert (await sandbox.exec(shell("true"))).ok


async def test_files_stay_within_the_workspace(sandbox: ProcessTierSandbox) -> None:
    await sandbox.exec(shell("ln -s /etc/passwd out; echo x > in"))
    assert sandbox.files.read("in") == b"x\n"
    with pytest.raises(Forbidden):
        sandbox.files.read("out")
    archive = io.BytesIO()
    pack(sandbox.files, archive)
    archive.seek(0)
    await sandbox.exec(shell("rm out in"))
    unpack(sandbox.files, archive)
    assert sandbox.files.read("in") == b"x\n"


async def test_binds_are_shown_where_they_are(tmp_path: Path) -> None:
    for name in ("shown", "given"):
        (tmp_path / name).mkdir()
    binds = [
        Bind(str(tmp_path / "shown"), str(tmp_path / "shown")),
        Bind(str(tmp_path / "given"), str(tmp_path / "given"), writable=True),
    ]
    sandbox = ProcessTierSandbox(SandboxSpec("tenant", binds), tmp_path / "sandbox")
    write = shell(f"ls {tmp_path}/shown; echo x > {tmp_path}/given/f; echo x > {tmp_path}/shown/f")
    result = await sandbox.exec(write)
    await sandbox.close()
    assert (result.exit_code != 0, (tmp_path / "given/f").exists()) == (True, True)
    assert not (tmp_path / "shown/f").exists()
    with pytest.raises(InvalidInput, match="where it is"):
        ProcessTierSandbox(SandboxSpec("tenant", [Bind("/usr", "/data")]), tmp_path / "other")


async def test_it_has_no_network_and_says_so(sandbox: ProcessTierSandbox) -> None:
    with pytest.raises(TierUnavailable, match="listen"):
        await sandbox.listen([80])
    with pytest.raises(TierUnavailable, match="connect"):
        await sandbox.connect(80)


async def test_its_lifetime_ends_it_with_its_folder(sandbox: ProcessTierSandbox) -> None:
    running = sandbox.start(shell("sleep 60"))
    sandbox.set_timeout(0.2)
    assert await sandbox.wait() is Reason.TIMEOUT
    assert (await running.wait()).reason is Reason.TIMEOUT
    assert not sandbox.folder.exists()
    with pytest.raises(Unavailable, match="ended"):
        await sandbox.exec(shell("true"))
