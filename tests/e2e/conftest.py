"""One real platform for all tests of a session, which leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.client import Client
from tests.support.live_platform import LivePlatform

SUITE = """\
import pytest

def test_good():
    assert True

def test_bad():
    assert 1 == 2, "one is not two"

@pytest.mark.skip(reason="not today")
def test_left_out():
    assert False
"""


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    platform = LivePlatform(tmp_path_factory.mktemp("platform") / "home")
    started = platform.ath("up", seconds=170)
    assert started.returncode == 0, started.stderr
    ran = platform.processes()
    try:
        yield platform
    finally:
        ran = [*ran, *platform.processes()]
        ended = platform.ath("down")
    assert ended.returncode == 0, ended.stderr
    _, left = psutil.wait_procs(ran, timeout=5)
    assert left == []
    assert platform.leftovers() == []
    assert not platform.settings.scratch.exists()


@pytest.fixture
def client(platform: LivePlatform) -> Iterator[Client]:
    with platform.client() as client:
        yield client


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(SUITE)
    return folder
