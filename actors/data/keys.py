"""Keys of any number of rows compared exactly with bounded memory.

Each batch writes the digests of its distinct keys, sorted, into a file. A bucket is a range of
digests: all rows of a key are in one bucket, and a bucket is read whole, whatever the partitions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.hashing import Digests, Words, digests
from actors.data.reading import Batch

_BYTES_PER_KEY = 48
"""What judging a bucket takes for each key in it: digests, their sorted copy, and marks."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Columns that make a key."""

    columns: tuple[str, ...]
    nulls_equal: bool = False
    """Whether a key with a null part is a key like any other; else it is none."""

    def digests(self, batch: Batch) -> tuple[Digests, pa.Array | None]:
        """Of each row that has a key, and which rows have one; None where all have."""
        columns = [batch.column(name) for name in self.columns]
        found = digests(columns)
        if self.nulls_equal or not any(column.null_count for column in columns):
            return found, None
        whole = pc.is_valid(columns[0])
        for column in columns[1:]:
            whole = pc.and_(whole, pc.is_valid(column))
        return found.take(whole.to_numpy(zero_copy_only=False)), whole


@dataclass(frozen=True, slots=True)
class Piece:
    """The distinct keys of one batch, in a file: first lanes, second lanes, and counts."""

    path: Path
    partition: int
    batch: int
    keys: int

    def bucket(self, number: int, buckets: int) -> tuple[Words, int]:
        """The sorted first lanes in a bucket, and the place of the first of them."""
        lanes = self._lane(0)
        low, high = _bounds(number, buckets)
        start = int(np.searchsorted(lanes, low))
        stop = len(lanes) if high is None else int(np.searchsorted(lanes, high))
        return lanes[start:stop], start

    def details(self, places: npt.NDArray[np.intp]) -> tuple[Digests, npt.NDArray[np.int64]]:
        """Digests and counts of the keys at some places."""
        counts = np.memmap(self.path, np.uint32, "r", self.keys * 16, (self.keys,))
        lanes = Digests(self._lane(0)[places], self._lane(1)[places])
        return lanes, counts[places].astype(np.int64)

    def counts(self) -> npt.NDArray[np.uint32]:
        """How many rows of the batch have each key."""
        return np.memmap(self.path, np.uint32, "r", self.keys * 16, (self.keys,))

    def _lane(self, number: int) -> Words:
        return np.memmap(self.path, np.uint64, "r", self.keys * 8 * number, (self.keys,))


@dataclass(frozen=True, slots=True)
class FailingKeys:
    """Keys of one piece that fail, in a file of two lanes."""

    piece: Piece
    rows: int
    path: Path

    def load(self) -> Digests:
        """The digests."""
        lanes = np.fromfile(self.path, np.uint64).reshape(2, -1)
        return Digests(lanes[0], lanes[1])


def write_piece(found: Digests, path: Path, partition: int, batch: int) -> Piece:
    """The distinct keys of a batch as a file."""
    order = np.argsort(found.first)
    first, second = found.first[order], found.second[order]
    new = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    if bool(np.any(new & (first[1:] == first[:-1]))):  # lanes meet for different keys: sort by both
        order = np.lexsort((found.second, found.first))
        first, second = found.first[order], found.second[order]
        new = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    starts = np.concatenate(([0], np.flatnonzero(new) + 1)) if len(first) else np.zeros(0, np.intp)
    counts = np.diff(np.append(starts, len(first))).astype(np.uint32)
    with path.open("wb") as file:
        file.write(first[starts].tobytes())
        file.write(second[starts].tobytes())
        file.write(counts.tobytes())
    return Piece(path, partition, batch, len(starts))


def bucket_count(pieces: Sequence[Piece], memory: int) -> int:
    """How many buckets keep each below `memory` bytes."""
    return max(1, -(-sum(piece.keys for piece in pieces) * _BYTES_PER_KEY // memory))


def repeated(
    pieces: Sequence[Piece], number: int, buckets: int, folder: Path
) -> Sequence[FailingKeys]:
    """The keys of a bucket that more than one row has."""
    slices = [piece.bucket(number, buckets) for piece in pieces if piece.keys]
    lanes = [lane for lane, _ in slices]
    doubled = _doubled(np.concatenate(lanes)) if lanes else np.zeros(0, np.uint64)
    candidates = [
        (piece, _places(piece, lane, start, doubled))
        for piece, (lane, start) in zip([p for p in pieces if p.keys], slices, strict=True)
    ]
    return _written(_really_repeated(candidates), folder, number)


def absent(
    pieces: Sequence[Piece], others: Sequence[Piece], number: int, buckets: int, folder: Path
) -> Sequence[FailingKeys]:
    """The keys of a bucket that none of the other pieces has."""
    known = _merged(others, number, buckets)
    return _written(_without(pieces, known, number, buckets), folder, number)


def holds(keys: Digests, wanted: Digests) -> npt.NDArray[np.bool_]:
    """Which of `wanted` are among `keys`, whose first lanes are sorted."""
    if not len(keys):
        return np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(keys.first, wanted.first), len(keys) - 1)
    near = keys.first[places] == wanted.first
    same: npt.NDArray[np.bool_] = near & (keys.second[places] == wanted.second)
    unsure = np.flatnonzero(near & ~same)
    if len(unsure):  # lanes meet for different keys: look at both, one by one
        both = set(zip(keys.first.tolist(), keys.second.tolist(), strict=True))
        for row in unsure.tolist():
            same[row] = (int(wanted.first[row]), int(wanted.second[row])) in both
    return same


def sorted_digests(parts: Sequence[Digests]) -> Digests:
    """All of several parts, by first lane."""
    first = np.concatenate([part.first for part in parts] or [np.zeros(0, np.uint64)])
    second = np.concatenate([part.second for part in parts] or [np.zeros(0, np.uint64)])
    order = np.argsort(first)
    return Digests(first[order], second[order])


def _bounds(number: int, buckets: int) -> tuple[np.uint64, np.uint64 | None]:
    low, high = ((edge << 64) // buckets for edge in (number, number + 1))
    return np.uint64(low), np.uint64(high) if high < 1 << 64 else None


def _doubled(lanes: Words) -> Words:
    lanes = np.sort(lanes)
    return np.unique(lanes[1:][lanes[1:] == lanes[:-1]])


def _places(piece: Piece, lane: Words, start: int, doubled: Words) -> npt.NDArray[np.intp]:
    """Where the keys stand that occur twice, in the piece itself or across pieces."""
    repeated_here = piece.counts()[start : start + len(lane)] > 1
    if len(doubled):
        at = np.minimum(np.searchsorted(doubled, lane), len(doubled) - 1)
        repeated_here |= doubled[at] == lane
    return np.flatnonzero(repeated_here) + start


def _really_repeated(
    candidates: Sequence[tuple[Piece, npt.NDArray[np.intp]]],
) -> Iterator[tuple[Piece, Digests, int]]:
    candidates = [(piece, places) for piece, places in candidates if len(places)]
    details = [piece.details(places) for piece, places in candidates]
    if not details:
        return
    first = np.concatenate([lanes.first for lanes, _ in details])
    second = np.concatenate([lanes.second for lanes, _ in details])
    counts = np.concatenate([count for _, count in details])
    owner = np.repeat(np.arange(len(details)), [len(count) for _, count in details])
    order = np.lexsort((second, first))
    first, second, counts, owner = first[order], second[order], counts[order], owner[order]
    group = np.cumsum(
        np.concatenate(([False], (first[1:] != first[:-1]) | (second[1:] != second[:-1])))
    )
    fails = np.bincount(group, counts)[group] > 1
    for number, (piece, _) in enumerate(candidates):
        mine = fails & (owner == number)
        if mine.any():
            yield piece, Digests(first[mine], second[mine]), int(counts[mine].sum())


def _merged(pieces: Sequence[Piece], number: int, buckets: int) -> Digests:
    parts = []
    for piece in pieces:
        if piece.keys:
            lane, start = piece.bucket(number, buckets)
            parts.append(piece.details(np.arange(start, start + len(lane)))[0])
    return sorted_digests(parts)


def _without(
    pieces: Sequence[Piece], known: Digests, number: int, buckets: int
) -> Iterator[tuple[Piece, Digests, int]]:
    for piece in pieces:
        if not piece.keys:
            continue
        lane, start = piece.bucket(number, buckets)
        lanes, counts = piece.details(np.arange(start, start + len(lane)))
        lost = ~holds(known, lanes)
        if lost.any():
            yield piece, lanes.take(lost), int(counts[lost].sum())


def _written(
    found: Iterator[tuple[Piece, Digests, int]], folder: Path, bucket: int
) -> Sequence[FailingKeys]:
    failing = []
    for piece, lanes, rows in found:
        path = folder / f"{piece.partition}-{piece.batch}-{bucket}"
        with path.open("wb") as file:
            file.write(lanes.first.tobytes())
            file.write(lanes.second.tobytes())
        failing.append(FailingKeys(piece, rows, path))
    return failing
