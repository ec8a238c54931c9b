"""A run through the platform against pytest-xdist: `python -m benchmarks.overhead [--json]`.

Both sides run the same suites with two workers in one interpreter, which has pytest-xdist as its
only plugin; the rounds alternate, and the whole process counts, from its start to its exit.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.own_platform import own_platform
from benchmarks.race import compare
from benchmarks.suites import fetch_package_suite, make_interpreter, write_tiny_suite
from benchmarks.table import show

GOAL = 1.15


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
    figures = [comparison.figure(key, GOAL) for key, comparison in found.items()]
    show("overhead", figures, as_json=options.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
