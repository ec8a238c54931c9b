"""How well tests are spread, and what each costs: `python -m benchmarks.engine [--json]`.

Both sides run with two workers in one interpreter that has pytest-xdist as its only plugin. Skewed
suites sleep, so their rounds are about scheduling alone; the platform has measured their tests in
one run before, and xdist has no memory.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.own_platform import own_platform
from benchmarks.race import compare, platform_seconds, xdist_seconds
from benchmarks.suites import make_interpreter, write_skewed_suite, write_tiny_suite
from benchmarks.table import Figure, show

WORKERS = 2
SIZES = (10, 100, 1_000, 10_000)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of the tiny suites on each side")
    parser.add_argument("--orders", type=int, default=5, help="of the skewed suite")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ath-suites-") as name, own_platform() as platform:
        folder = Path(name)
        python = make_interpreter(folder / "venv")
        platform.up()
        tiny = compare(
            write_tiny_suite(folder / "tiny" / "suite", files=50, tests=100),
            python,
            platform.environ,
            options.rounds,
        )
        skewed = measure_skewed(folder / "skewed", python, platform.environ, options.orders)
        growth = measure_growth(folder / "growth", python, platform.environ, options.rounds)
    figures = [tiny.figure("tiny_vs_xdist", 1.0), *skewed, *growth]
    show("engine", figures, as_json=options.json)
    return 0


def measure_skewed(
    folder: Path, python: str, environ: Mapping[str, str], orders: int
) -> Sequence[Figure]:
    """The skewed suite against xdist's two schedulers and against what is possible at all."""
    ours, load, steal, bounds = [], [], [], []
    for seed in range(orders):
        suite = folder / str(seed) / "suite"
        durations = write_skewed_suite(suite, seed)
        platform_seconds(suite, python, environ)
        ours.append(platform_seconds(suite, python, environ)[0])
        load.append(xdist_seconds(suite, python, environ, "--dist", "load")[0])
        steal.append(xdist_seconds(suite, python, environ, "--dist", "worksteal")[0])
        bounds.append(max(max(durations), sum(durations) / WORKERS))
        print(f"order {seed}: {ours[-1]:.2f} s, load {load[-1]:.2f} s, worksteal {steal[-1]:.2f} s")
    print(f"no schedule takes less than {median(bounds) / median(load):.2f} of load's time here")
    took = median(ours)
    return [
        Figure(key, took / median(other), goal, f"{took:.2f} s", f"{median(other):.2f} s")
        for key, other, goal in (
            ("skewed_vs_load", load, 0.85),
            ("skewed_vs_worksteal", steal, 0.95),
            ("skewed_vs_bound", bounds, 1.10),
        )
    ]


def measure_growth(
    folder: Path, python: str, environ: Mapping[str, str], rounds: int
) -> Sequence[Figure]:
    """What one test costs beside the fixed cost of a run, and how that grows with their number."""
    seconds = {}
    for size in (1, *SIZES):
        files = max(1, size // 100)
        suite = write_tiny_suite(folder / str(size) / "suite", files, size // files)
        platform_seconds(suite, python, environ)
        seconds[size] = median(platform_seconds(suite, python, environ)[0] for _ in range(rounds))
    cost = {size: 1000 * (seconds[size] - seconds[1]) / size for size in SIZES}
    for size in SIZES:
        print(f"{size} tests: {seconds[size]:.2f} s, {cost[size]:.2f} ms a test above one")
    marginal = 1000 * (seconds[10_000] - seconds[1_000]) / 9_000
    grown = cost[10_000] / cost[1_000]
    return [
        Figure("marginal_ms_per_test", marginal, 1.5, f"{seconds[10_000]:.2f} s"),
        Figure("per_test_growth", grown, 1.1, f"{cost[10_000]:.2f} ms", f"{cost[1_000]:.2f} ms"),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
