"""One pass over a source: what every task looks at, and what it brings back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actors.data.checks import Check
from actors.data.failing_rows import RowWriter
from actors.data.keys import FailingKeys, KeySet, Piece, holds, sorted_digests, write_piece
from actors.data.reading import Batch, Partition
from actors.data.scheduling import Tasks
from actors.data.totals import Group, Grouping, Sums, merge, sums_of


@dataclass(frozen=True, slots=True)
class Scan:
    """What is asked of each partition of one source."""

    folder: Path
    """For what tasks write; this scan's own."""
    columns: tuple[str, ...]
    """All that are read; rows that fail a check are kept with these."""
    key: tuple[str, ...]
    """Those that name a row."""
    checks: tuple[Check, ...]
    keys: tuple[KeySet, ...]
    groupings: tuple[Grouping, ...]
    kept: int
    """How many failing rows of each rule and partition."""

    def naming(self, keys: KeySet) -> tuple[str, ...]:
        """What is read again to name rows by their failing keys, and kept with them."""
        return tuple(dict.fromkeys((*self.key, *keys.columns)))


@dataclass(slots=True)
class Scanned:
    """What one task found in its partition."""

    rows: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    """By rule."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Failing rows by rule."""
    pieces: dict[KeySet, list[Piece]] = field(default_factory=dict)
    sums: dict[Grouping, dict[Group, Sums]] = field(default_factory=dict)


def scan(scan: Scan, partitions: Sequence[Partition], tasks: Tasks) -> Sequence[Scanned]:
    """Every partition, in order."""
    scan.folder.mkdir()
    return tasks.results(
        [partial(_scanned, scan, number, part) for number, part in enumerate(partitions)]
    )


def collect(
    scan: Scan,
    place: int,
    keys: KeySet,
    failing: Sequence[FailingKeys],
    partitions: Sequence[Partition],
    tasks: Tasks,
) -> Mapping[int, Path]:
    """Files of the rows that have failing keys, by partition; `place` tells calls apart."""
    owners: dict[int, list[FailingKeys]] = {}
    for found in failing:
        owners.setdefault(found.piece.partition, []).append(found)
    files = tasks.results(
        [
            partial(_collected, scan, place, keys, found, number, partitions[number])
            for number, found in sorted(owners.items())
        ]
    )
    return dict(zip(sorted(owners), files, strict=True))


def _scanned(scan: Scan, number: int, partition: Partition) -> Scanned:
    found = Scanned()
    writer = RowWriter(scan.folder / f"rows-{number}", scan.columns, scan.kept)
    for index, batch in enumerate(partition.batches(scan.columns)):
        for check in scan.checks:
            _judge(check, batch, found, writer)
        for place, keys in enumerate(scan.keys):
            path = scan.folder / f"keys-{place}-{number}-{index}"
            piece = write_piece(keys.digests(batch)[0], path, number, index)
            found.pieces.setdefault(keys, []).append(piece)
        for grouping in scan.groupings:
            merge(found.sums.setdefault(grouping, {}), sums_of(batch, grouping))
        found.rows += batch.table.num_rows
    found.files = writer.close()
    pa.default_memory_pool().release_unused()
    return found


def _judge(check: Check, batch: Batch, found: Scanned, writer: RowWriter) -> None:
    failing = check.failing(batch)
    count = failing.true_count
    if count:
        found.failed[check.rule] = found.failed.get(check.rule, 0) + count
        writer.add(check.rule, batch, failing, found.rows)


def _collected(
    scan: Scan,
    place: int,
    keys: KeySet,
    failing: Sequence[FailingKeys],
    number: int,
    partition: Partition,
) -> Path:
    columns = scan.naming(keys)
    writer = RowWriter(scan.folder / f"failing-{place}-{number}", columns, scan.kept)
    before = 0
    for index, batch in enumerate(partition.batches(columns)):
        wanted = [found.load() for found in failing if found.piece.batch == index]
        if wanted:
            digests, whole = keys.digests(batch)
            lost = holds(sorted_digests(wanted), digests)
            writer.add("", batch, _spread(lost, whole), before)
        before += batch.table.num_rows
    return writer.close()[""]


def _spread(marks: npt.NDArray[np.bool_], whole: pa.Array | None) -> pa.Array:
    """Marks of the rows that have keys as marks of all rows."""
    if whole is None:
        return pa.array(marks)
    every = np.zeros(len(whole), np.bool_)
    every[whole.to_numpy(zero_copy_only=False)] = marks
    return pa.array(every)
