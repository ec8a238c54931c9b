"""What warm browsers and the workers that use them take: PSS, shared pages divided fairly."""

import subprocess
from pathlib import Path

import psutil

from actors.pools.memory import pss_bytes
from benchmarks.own_platform import ATH, OwnPlatform
from benchmarks.table import Figure

MIB = 1024 * 1024
WORKERS = 2
SAMPLES = 6
SUITE = """\
import pytest

@pytest.mark.parametrize("n", range(4))
def test_wait(page, n):
    page.set_content("<h1>hello</h1>")
    page.wait_for_timeout(4000)
"""


def measure_memory(folder: Path, python: str, platform: OwnPlatform) -> "list[Figure]":
    """Of the host of browsers, of an idle browser, and of a worker with its browser.

    Raises:
        RuntimeError: the suite that is looked at did not pass, or used no warm browser.
    """
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_wait.py").write_text(SUITE)
    command = [ATH, "run", "-n", str(WORKERS), "--python", python, "--", "pytest", "-q"]
    with subprocess.Popen(command, cwd=folder, env=platform.environ, stdout=-3, stderr=-3) as run:
        busy = 0
        while run.poll() is None:
            try:
                run.wait(1.0)
            except subprocess.TimeoutExpired:
                busy = max(busy, _suites(platform) + _browsers(platform)[0])
    idle, browsers = _browsers(platform)
    if run.returncode or not browsers:
        raise RuntimeError(f"The suite ended with {run.returncode} and {browsers} warm browsers.")
    host = sum(_own(process) for process in _processes(platform, "ray::BrowserHostActor"))
    sizes = {
        "host_pss_mib": (host / MIB, 120),
        "idle_browser_pss_mib": (idle / browsers / MIB, 200),
        "worker_pss_mib": (busy / WORKERS / MIB, 600),
    }
    return [Figure(key, size, goal, f"{size:.0f} MiB") for key, (size, goal) in sizes.items()]


def _browsers(platform: OwnPlatform) -> tuple[int, int]:
    """All bytes of all browsers with their keepers, and how many there are."""
    keepers = _processes(platform, "keeper.py")
    keepers = [process for process in keepers if "warden.py" not in " ".join(process.cmdline())]
    return sum(pss_bytes(process.pid) for process in keepers), len(keepers)


def _suites(platform: OwnPlatform) -> int:
    """All bytes of the suite's processes: pytest, its forks, and Playwright's drivers."""
    found = _processes(platform, "_ath_pytest/boot.py")
    busy = [process for process in found if process.cwd() != "/"]  # the others wait for a suite
    tops = [process for process in busy if process.parent() not in busy]
    return sum(pss_bytes(process.pid) for process in tops)


def _processes(platform: OwnPlatform, word: str) -> "list[psutil.Process]":
    supervisor = psutil.Process(platform.installation.pid)
    return [process for process in supervisor.children(recursive=True) if word in _line(process)]


def _own(process: psutil.Process) -> int:
    return int(process.memory_full_info().pss)


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
