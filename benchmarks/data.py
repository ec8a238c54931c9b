"""Validating a table against Pandera on pandas: `python -m benchmarks.data [--json]`.

Both sides read the same Parquet file from the warm page cache, run the same ten checks, and must
name the same failing rows. Each round is a process of its own. The figures are about the schema of
a Pandera user with Dask's threads, which is what they get by default; beside them stand the same
checks as declared rules, and the schema by Dask-on-Ray.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.memory import PeakMemory
from benchmarks.orders import write_orders
from benchmarks.table import Figure, show

SIDES = ("pandera", "threads", "rules", "ray")


@dataclass(frozen=True, slots=True)
class Round:
    """One validation."""

    seconds: float
    peak: float
    """Bytes."""
    failing: str
    """Digest of all failing rows."""


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each side")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the table compared")
    parser.add_argument("--growth", default="1,30", help="further sizes, in millions of rows")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ath-orders-") as name:
        table = Path(name) / "orders.parquet"
        write_orders(table, options.rows)
        sides = measure(table, options.rounds)
        for million in filter(None, options.growth.split(",")):
            write_orders(table, int(million) * 1_000_000)
            found = measured("threads", table)
            print(f"{million} million rows: {_said(found.seconds, found.peak)}")
    show("data", list(_figures(sides)), as_json=options.json)
    return 0


def measure(table: Path, rounds: int) -> dict[str, Round]:
    """Medians of each side, whose rounds alternate.

    Raises:
        SystemExit: two sides name different rows.
    """
    found: dict[str, list[Round]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            found[side].append(measured(side, table))
    failing = {side: {each.failing for each in each_round} for side, each_round in found.items()}
    if len(set.union(*failing.values())) != 1:
        raise SystemExit(f"the sides name different failing rows: {failing}")
    return {
        side: Round(
            median(each.seconds for each in each_round),
            median(each.peak for each in each_round),
            each_round[0].failing,
        )
        for side, each_round in found.items()
    }


def measured(side: str, table: Path) -> Round:
    """One validation in a process of its own."""
    _warm(table)
    command = [sys.executable, "-m", "benchmarks.data_side", side, str(table)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environ(table))
    with process, PeakMemory(process.pid) as memory:
        output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{side} ended with {process.returncode}")
    told = json.loads(output.splitlines()[-1])
    said = f"{_said(told['seconds'], memory.peak)}, {told['cpu']:.1f} s of CPU"
    print(f"{side}: {said}, {told['rows']} failing rows", flush=True)
    return Round(told["seconds"], memory.peak, told["failing"])


def _figures(sides: dict[str, Round]) -> Sequence[Figure]:
    base = sides["pandera"]
    named = {"threads": "", "rules": "rules_", "ray": "ray_"}
    figures = []
    for side, prefix in named.items():
        ours = sides[side]
        wall = f"{ours.seconds:.2f} s", f"{base.seconds:.2f} s"
        peak = f"{ours.peak / 2**20:.0f} MiB", f"{base.peak / 2**20:.0f} MiB"
        figures += [
            Figure(f"{prefix}wall_vs_pandera", ours.seconds / base.seconds, 0.8, *wall),
            Figure(f"{prefix}peak_memory_vs_pandera", ours.peak / base.peak, 0.5, *peak),
        ]
    return figures


def _environ(table: Path) -> dict[str, str]:
    # Ray would write its token into the user's home, where other clusters find it.
    token = table.with_name("ray-token")
    token.write_text(secrets.token_hex(32))
    return os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}


def _warm(table: Path) -> None:
    with table.open("rb") as file:
        while file.read(1 << 22):
            pass


def _said(seconds: float, peak: float) -> str:
    return f"{seconds:.2f} s, {peak / 2**20:.0f} MiB"


if __name__ == "__main__":
    raise SystemExit(main())
