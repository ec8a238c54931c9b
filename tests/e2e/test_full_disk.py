"""A platform whose disk is full says so and lives on when there is room again."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.domain.exit_code import ExitCode
from tests.support.live_platform import LivePlatform

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(300)]

DISK_MIB = 64


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    size = f"size={DISK_MIB}m"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk needs the right to mount one: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def cramped(disk: Path) -> Iterator[LivePlatform]:
    cramped = LivePlatform(disk / "home")
    started = cramped.ath("up", seconds=170)
    assert started.returncode == ExitCode.PASSED, started.stderr
    yield cramped
    assert cramped.ath("down").returncode == ExitCode.PASSED
    assert cramped.leftovers() == []


def test_a_full_disk_is_said_and_survived(cramped: LivePlatform, disk: Path, suite: Path) -> None:
    ballast = disk / "ballast"
    _fill(ballast)
    refused = cramped.ath("run", "--json", "--", "pytest", "-q", cwd=suite, seconds=30)
    assert refused.returncode == ExitCode.INFRASTRUCTURE, refused.stdout + refused.stderr
    assert "full" in refused.stderr or "no room left" in refused.stderr, refused.stderr
    ballast.unlink()
    ran = cramped.ath("run", "--", "pytest", "-q", cwd=suite)
    assert ran.returncode == ExitCode.FAILED, ran.stdout + ran.stderr


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                continue
        except OSError:
            return
