"""A run through the platform against pytest-xdist: `python -m benchmarks.overhead [--json]`.

Both sides run the same suites with two workers in one interpreter, which has pytest-xdist as its
only plugin; the rounds alternate, and the whole process counts, from its start to its exit.
"""

import argparse
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.own_platform import ATH, own_platform
from benchmarks.suites import fetch_package_suite, make_interpreter, write_tiny_suite
from benchmarks.table import Figure, show

GOAL = 1.15
RUN_SECONDS = 300.0
BASELINE = ["-m", "pytest", "-q", "-n", "2", "--junitxml"]
PLATFORM = [ATH, "run", "-n", "2"]


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

    def figure(self, key: str) -> Figure:
        """The ratio with what it was made of."""
        took, other = median(self.platform), median(self.baseline)
        return Figure(key, self.ratio, GOAL, f"{took:.3f} s", f"{other:.3f} s")


def main() -> int:
    """Measure both suites and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each suite on each side")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ath-suites-") as folder, own_platform() as platform:
        python = make_interpreter(Path(folder) / "venv")
        suites = {
            "tiny_vs_xdist": write_tiny_suite(Path(folder) / "tiny"),
            "package_vs_xdist": fetch_package_suite(Path(folder) / "package"),
        }
        platform.up()
        found = {
            key: compare(suite, python, platform.environ, options.rounds)
            for key, suite in suites.items()
        }
    for key, comparison in found.items():
        print(f"{key}: {comparison.tests} tests ran on either side in every round")
    figures = [comparison.figure(key) for key, comparison in found.items()]
    show("overhead", figures, as_json=options.json)
    return 0


def compare(suite: Path, python: str, environ: Mapping[str, str], rounds: int) -> Comparison:
    """Alternating rounds of both sides, after one of each that only warms caches.

    Raises:
        RuntimeError: a side failed, or another number of tests ran there.
    """
    found = Comparison()
    for number in range(rounds + 1):
        junit = suite.parent / "results.xml"
        baseline, expected = _timed([python, *BASELINE, str(junit)], junit, suite, environ)
        through = [*PLATFORM, "--python", python, "--junit", str(junit), "--", "pytest", "-q"]
        platform, ran = _timed(through, junit, suite, environ)
        if not ran or ran != expected:
            raise RuntimeError(f"The platform ran {ran} tests of {suite.name}, xdist {expected}.")
        found.tests = ran
        if number:
            found.baseline.append(baseline)
            found.platform.append(platform)
    return found


def _timed(
    command: Sequence[str], junit: Path, suite: Path, environ: Mapping[str, str]
) -> tuple[float, int]:
    """The command's wall time in seconds and how many tests its JUnit file has."""
    junit.unlink(missing_ok=True)
    begun = time.perf_counter()
    ended = subprocess.run(
        command,
        cwd=suite,
        env=environ,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    seconds = time.perf_counter() - begun
    if ended.returncode:
        raise RuntimeError(
            f"{' '.join(command)} ended with {ended.returncode} in {suite.name}.\n"
            f"{ended.stdout[-2000:]}{ended.stderr[-2000:]}"
        )
    return seconds, count_tests(junit)


def count_tests(junit: Path) -> int:
    """How many tests a JUnit file tells of."""
    return sum(1 for _ in ET.parse(junit).iter("testcase"))


if __name__ == "__main__":
    raise SystemExit(main())
