"""Two installations on one machine keep apart, and neither outlives its home."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.domain.exit_code import ExitCode
from tests.support.live_platform import LivePlatform

pytestmark = pytest.mark.e2e

ENDS_SECONDS = 30.0
POLL_SECONDS = 0.05


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[LivePlatform]:
    neighbour = LivePlatform(tmp_path / "home")
    started = neighbour.ath("up", seconds=170)
    assert started.returncode == ExitCode.PASSED, started.stderr
    yield neighbour
    neighbour.ath("down")


def test_neighbours_share_no_port_and_end_with_their_home(
    platform: LivePlatform, neighbour: LivePlatform
) -> None:
    # Several processes may listen on one port; the kernel then picks who gets a request.
    assert _listening(platform) & _listening(neighbour) == set()
    shutil.rmtree(neighbour.home)
    assert _eventually_nothing_left(neighbour)


def _listening(platform: LivePlatform) -> set[int]:
    found: set[int] = set()
    for process in platform.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # one may end while others are asked
            connections = process.net_connections("tcp")
            found |= {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
    return found


def _eventually_nothing_left(platform: LivePlatform) -> bool:
    until = time.monotonic() + ENDS_SECONDS
    while platform.leftovers() or platform.settings.scratch.exists():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_SECONDS)
    return True
