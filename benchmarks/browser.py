"""Browser tests against Playwright's own runners: `python -m benchmarks.browser [--json]`.

All sides run the same 100 tests with two workers, one browser binary and one tracing setting; the
rounds alternate, and the whole process counts, from its start to its exit. The last comparison
takes what each side uses by default on this machine.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.browser_memory import measure_memory
from benchmarks.browser_suites import TESTS, write_node_suite, write_pytest_suite
from benchmarks.own_platform import own_platform
from benchmarks.race import platform_seconds, timed, xdist_seconds
from benchmarks.suites import make_interpreter
from benchmarks.table import Figure, show
from harness.domain.browser import BrowserChoice
from harness.settings import Settings
from serve.browser import browser

Side = Callable[[], tuple[float, int]]
PLAYWRIGHT = version("playwright")
MINOR = PLAYWRIGHT.rpartition(".")[0]
NEEDED = [
    f"playwright=={PLAYWRIGHT}",
    f"pytest-playwright=={version('pytest-playwright')}",
    "pytest==9.2.0",
    "pytest-xdist==3.8.0",
]


def main() -> int:
    """Measure all sides and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browser", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each side")
    parser.add_argument("--tracing", default="off", help="as of pytest-playwright")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    choice = browser(Settings.load({}))
    if choice is None:
        raise RuntimeError("No browser was found at installation. Run `make browser` first.")
    with tempfile.TemporaryDirectory(prefix="ath-suites-") as name, own_platform() as platform:
        folder = Path(name)
        python = make_interpreter(folder / "venv", NEEDED)
        platform.up()
        sides = sides_of(folder, python, platform.environ, choice, options.tracing)
        took = race(sides, options.rounds)
        memory = measure_memory(folder / "memory", python, platform)
    show("browser", [*figures(took), *memory], as_json=options.json)
    return 0


def sides_of(
    folder: Path, python: str, environ: Mapping[str, str], choice: BrowserChoice, tracing: str
) -> Mapping[str, Side]:
    """What to run for each side, by name."""
    ours = write_pytest_suite(folder / "ours" / "suite")
    same = write_pytest_suite(folder / "same" / "suite", choice.path)
    default = write_pytest_suite(folder / "default" / "suite", own_or(choice))
    node = write_node_suite(folder / "node" / "suite", choice.path, MINOR, tracing)
    command = ["node", "node_modules/@playwright/test/cli.js", "test"]
    traced = ("--tracing", tracing)
    return {
        "platform": lambda: platform_seconds(ours, python, environ, *traced),
        "pytest-playwright": lambda: xdist_seconds(same, python, environ, *traced),
        "node": lambda: timed(command, node.parent / "node.xml", node, environ),
        "default": lambda: xdist_seconds(default, python, environ, *traced),
    }


def own_or(choice: BrowserChoice) -> str:
    """Empty where pytest-playwright finds a browser of its own, else the system's Chromium."""
    own = Path.home() / ".cache" / "ms-playwright"
    return "" if any(own.glob("chromium_headless_shell-*")) else choice.headed


def race(sides: Mapping[str, Side], rounds: int) -> Mapping[str, float]:
    """Median seconds of each side, after one round that only warms caches.

    Raises:
        RuntimeError: another number of tests ran on some side.
    """
    took: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, run in sides.items():
            seconds, ran = run()
            if ran != TESTS:
                raise RuntimeError(f"{name} ran {ran} tests instead of {TESTS}.")
            if number:
                took[name].append(seconds)
        if number:
            print(", ".join(f"{name} {seconds[-1]:.2f} s" for name, seconds in took.items()))
    return {name: median(seconds) for name, seconds in took.items()}


def figures(took: Mapping[str, float]) -> "list[Figure]":
    """The platform against each of the others."""
    goals = {
        "vs_pytest_playwright": ("pytest-playwright", 1.05),
        "vs_playwright_node": ("node", 1.05),
        "default_vs_playwright_default": ("default", 1.0),
    }
    ours = took["platform"]
    return [
        Figure(key, ours / took[side], goal, f"{ours:.2f} s", f"{took[side]:.2f} s")
        for key, (side, goal) in goals.items()
    ]


if __name__ == "__main__":
    raise SystemExit(main())
