"""One suite through the platform and through pytest-xdist, whole processes timed."""

import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.own_platform import ATH
from benchmarks.table import Figure

RUN_SECONDS = 300.0


@dataclass(slots=True)
class Comparison:
    """Wall times of one suite on both sides, in seconds."""

    platform: list[float] = field(default_factory=list)
    baseline: list[float] = field(default_factory=list)
    tests: int = 0

    @property
    def ratio(self) -> float:
        """The platform's median over the baseline's."""
        return median(self.platform) / median(self.baseline)

    def figure(self, key: str, goal: float) -> Figure:
        """The ratio with what it was made of."""
        took, other = median(self.platform), median(self.baseline)
        return Figure(key, self.ratio, goal, f"{took:.3f} s", f"{other:.3f} s")


def compare(
    suite: Path, python: str, environ: Mapping[str, str], rounds: int, *schedule: str
) -> Comparison:
    """Alternating rounds of both sides, after one of each that only warms caches.

    Args:
        suite: its folder.
        python: the interpreter of both sides.
        environ: in which `ath` means the platform.
        rounds: of each side.
        schedule: further arguments of xdist.

    Raises:
        RuntimeError: a side failed, or another number of tests ran there.
    """
    found = Comparison()
    for number in range(rounds + 1):
        baseline, expected = xdist_seconds(suite, python, environ, *schedule)
        platform, ran = platform_seconds(suite, python, environ)
        if not ran or ran != expected:
            raise RuntimeError(f"The platform ran {ran} tests of {suite.name}, xdist {expected}.")
        found.tests = ran
        if number:
            found.baseline.append(baseline)
            found.platform.append(platform)
    return found


def xdist_seconds(
    suite: Path, python: str, environ: Mapping[str, str], *schedule: str
) -> tuple[float, int]:
    """Wall time of `pytest -n 2` in seconds, and how many tests ran."""
    junit = suite.parent / "results.xml"
    command = [python, "-m", "pytest", "-q", "-n", "2", *schedule, "--junitxml", str(junit)]
    return timed(command, junit, suite, environ)


def platform_seconds(
    suite: Path, python: str, environ: Mapping[str, str], *words: str
) -> tuple[float, int]:
    """Wall time of `ath run -n 2` in seconds, and how many tests ran; `words` are pytest's."""
    junit = suite.parent / "results.xml"
    command = [ATH, "run", "-n", "2", "--python", python, "--junit", str(junit)]
    return timed([*command, "--", "pytest", "-q", *words], junit, suite, environ)


def timed(
    command: Sequence[str], junit: Path, suite: Path, environ: Mapping[str, str]
) -> tuple[float, int]:
    """The command's wall time in seconds and how many tests its JUnit file has."""
    junit.unlink(missing_ok=True)
    ended, seconds = whole_process(command, suite, environ)
    if ended.returncode:
        raise RuntimeError(
            f"{' '.join(command)} ended with {ended.returncode} in {suite.name}.\n"
            f"{ended.stdout[-2000:]}{ended.stderr[-2000:]}"
        )
    return seconds, count_tests(junit)


def whole_process(
    command: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> "tuple[subprocess.CompletedProcess[str], float]":
    """A command from its start to its exit, and the seconds between."""
    begun = time.perf_counter()
    ended = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    return ended, time.perf_counter() - begun


def count_tests(junit: Path) -> int:
    """How many tests a JUnit file tells of."""
    return sum(1 for _ in ET.parse(junit).iter("testcase"))
