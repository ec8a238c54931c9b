"""Failure clustering against labelled failures: `python -m benchmarks.clustering [--json]`.

Needs a folder of labelled data (`--data`), which the project does not carry.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from benchmarks.agreement import adjusted_rand, b_cubed_f1
from harness.domain.attempt import Failure, Frame
from harness.domain.clustering import Clusterer
from harness.domain.ids import TestId
from harness.domain.signature import sign

SETS = {"java": "defects4j-failures", "pytest": "seeded-pytest-failures"}
GOALS = {"mean_ari": 0.60, "mean_b3": 0.74, "failures_per_second": 1000.0}
WHEN = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sample:
    """A failure whose cause is known."""

    project: str
    label: str
    test_id: TestId
    failure: Failure


Grouping = Callable[[Sequence[Sample]], list[Hashable]]


def main() -> int:
    """Print the table; gives 2 when the data is not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clustering", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    missing = [folder for folder in SETS.values() if not _file(options.data, folder).is_file()]
    if missing:
        print(
            f"No labelled failures: {', '.join(missing)} not found in {options.data.resolve()}. "
            "Name the folder that holds them with --data.",
            file=sys.stderr,
        )
        return 2
    figures = _measure({name: _load(options.data, folder) for name, folder in SETS.items()})
    if options.json:
        print(json.dumps({"name": "clustering", "figures": figures, "goals": GOALS}))
    return 0


def by_message(samples: Sequence[Sample]) -> list[Hashable]:
    """The baseline: failures of one project with the very same message."""
    return [(each.project, each.failure.message) for each in samples]


def by_signature(samples: Sequence[Sample]) -> list[Hashable]:
    """The platform's streaming assignment, one project at a time, in the order given."""
    numbers = count()
    clusterers: dict[str, Clusterer] = {}
    found: list[Hashable] = []
    for each in samples:
        if each.project not in clusterers:
            clusterers[each.project] = Clusterer(lambda: f"{next(numbers):08d}")
        signature = sign(each.failure, each.test_id)
        found.append(clusterers[each.project].place(signature, WHEN).cluster.id)
    return found


def _measure(sets: Mapping[str, Sequence[Sample]]) -> dict[str, float]:
    print(f"{'set':8} {'method':14} {'groups':>6} {'ARI':>6} {'B3 F1':>6} {'failures/s':>10}")
    figures: dict[str, float] = {}
    for method, grouping in (("message", by_message), ("signature", by_signature)):
        rows = {name: _row(name, method, grouping, samples) for name, samples in sets.items()}
        prefix = "" if grouping is by_signature else f"{method}_"
        for name, (ari, b3, _) in rows.items():
            figures |= {f"{prefix}{name}_ari": ari, f"{prefix}{name}_b3": b3}
        figures[f"{prefix}mean_ari"] = sum(ari for ari, _, _ in rows.values()) / len(rows)
        figures[f"{prefix}mean_b3"] = sum(b3 for _, b3, _ in rows.values()) / len(rows)
        print(
            f"{'mean':8} {method:14} {'':6} {figures[f'{prefix}mean_ari']:6.3f} "
            f"{figures[f'{prefix}mean_b3']:6.3f}"
        )
    figures["failures_per_second"] = min(speed for _, _, speed in rows.values())
    figures["ari_vs_message"] = figures["mean_ari"] / figures["message_mean_ari"]
    print(f"ARI is {figures['ari_vs_message']:.2f} times that of the exact message.")
    return {name: round(value, 4) for name, value in figures.items()}


def _row(
    name: str, method: str, grouping: Grouping, samples: Sequence[Sample]
) -> tuple[float, float, float]:
    start = time.perf_counter()
    groups = grouping(samples)
    speed = len(samples) / (time.perf_counter() - start)
    labels = [each.label for each in samples]
    ari, b3 = adjusted_rand(labels, groups), b_cubed_f1(labels, groups)
    print(f"{name:8} {method:14} {len(set(groups)):6} {ari:6.3f} {b3:6.3f} {speed:10.0f}")
    return ari, b3, speed


def _load(data: Path, folder: str) -> list[Sample]:
    with _file(data, folder).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Sample(
            row["project"],
            row["label"],
            TestId(row["test"]),
            Failure(row["exception"], row["message"], tuple(_frames(row["frames"]))),
        )
        for row in rows
    ]


def _frames(rows: Sequence[tuple[str, str]]) -> Iterator[Frame]:
    for name, place in rows:
        file, _, line = place.rpartition(":")
        yield Frame(name, file or place, int(line) if line.isdigit() else 0)


def _file(data: Path, folder: str) -> Path:
    return data / folder / "failures.jsonl"


if __name__ == "__main__":
    raise SystemExit(main())
