"""128-bit digests of keys, so that equal keys meet wherever their rows are stored.

Two independent 64-bit lanes are computed with vectors. Equal keys always have equal digests; that
different keys share one is as likely as 2**-128 per pair, about 1e-21 over a billion rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Words: TypeAlias = npt.NDArray[np.uint64]

_SEEDS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
_PRIMES = (np.uint64(0xD6E8FEB86659FD93), np.uint64(0xBF58476D1CE4E5B9))
_NULL = np.uint64(0x6A09E667F3BCC909)
_LONG = 256
"""Bytes from which a text is digested by itself: the vectors turn once per eight bytes."""


@dataclass(frozen=True, slots=True)
class Digests:
    """One digest a row, in two lanes."""

    first: Words
    second: Words

    def __len__(self) -> int:
        return len(self.first)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "Digests":
        """Those of some rows."""
        return Digests(self.first[rows], self.second[rows])


def digests(columns: Sequence[pa.Array]) -> Digests:
    """The digests of keys that have one part in each column; null is a value like any other."""
    lanes = []
    for seed, prime in zip(_SEEDS, _PRIMES, strict=True):
        lane = _column_lane(columns[0], seed, prime)
        for column in columns[1:]:
            lane *= prime
            lane += _column_lane(column, seed, prime)
            _mix(lane, prime)
        lanes.append(lane)
    return Digests(lanes[0], lanes[1])


def family(kind: pa.DataType) -> str:
    """Keys of one family can be equal; numbers are, whatever their width."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_decimal(kind):
        return f"decimal with {kind.scale} places"
    for name, holds in (
        ("text", _is_text),
        ("boolean", pa.types.is_boolean),
        ("timestamp", pa.types.is_timestamp),
        ("date", pa.types.is_date),
        ("bytes", _is_bytes),
        ("time", pa.types.is_time),
        ("null", pa.types.is_null),
    ):
        if holds(kind):
            return name
    return str(kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _column_lane(column: pa.Array, seed: np.uint64, prime: np.uint64) -> Words:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if _is_text(column.type) or _is_bytes(column.type):
        lane = _text_lane(column, seed, prime)
    elif pa.types.is_decimal(column.type):
        lane = _text_lane(column.cast(pa.string()), seed, prime)
    else:
        lane = _word_lane(_words(column), seed, prime)
    if column.null_count:
        lane[column.is_null().to_numpy(zero_copy_only=False)] = _NULL ^ seed
    return lane


def _words(column: pa.Array) -> Words:
    """One word a value, equal for equal values."""
    if pa.types.is_null(column.type):
        return np.zeros(len(column), np.uint64)
    if pa.types.is_timestamp(column.type):
        return _time_words(column)
    column = _as_numbers(column)
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(0, pa.int32()).cast(column.type))
    values: npt.NDArray[np.number] = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind == "f":
        return _float_words(values)
    if values.dtype.kind == "u":
        return values.astype(np.uint64)
    return values.astype(np.int64).view(np.uint64)


def _as_numbers(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8())
    if pa.types.is_date(column.type):
        return column.cast(pa.date32()).cast(pa.int32())
    if pa.types.is_time(column.type) or pa.types.is_duration(column.type):
        return column.cast(pa.int64() if column.type.bit_width == 64 else pa.int32())
    return column


def _float_words(values: npt.NDArray[np.number]) -> Words:
    """Whole numbers as integers are, so that 3.0 meets 3; the others by their bits."""
    wide = values.astype(np.float64)
    whole = (np.abs(wide) < 2**62) & (wide == np.floor(wide))
    return np.where(
        whole, np.where(whole, wide, 0).astype(np.int64).view(np.uint64), wide.view(np.uint64)
    )


def _time_words(column: pa.Array) -> Words:
    """Microseconds, and what nanoseconds are left; other units are exact in microseconds."""
    if column.type.unit == "ns":
        values = np.asarray(pc.fill_null(column.cast(pa.int64()), 0))
        micros, rest = values // 1000, values % 1000
        return micros.view(np.uint64) ^ (rest.astype(np.uint64) << np.uint64(54))
    scale = {"s": 1_000_000, "ms": 1000, "us": 1}[column.type.unit]
    values = np.asarray(pc.fill_null(column.cast(pa.int64()), 0))
    return (values * scale).view(np.uint64)


def _word_lane(words: Words, seed: np.uint64, prime: np.uint64) -> Words:
    lane = words ^ seed
    lane *= prime
    _mix(lane, prime)
    return lane


def _mix(lane: Words, prime: np.uint64) -> None:
    lane ^= lane >> np.uint64(32)
    lane *= prime
    lane ^= lane >> np.uint64(29)
    lane *= prime
    lane ^= lane >> np.uint64(32)


def _text_lane(column: pa.Array, seed: np.uint64, prime: np.uint64) -> Words:
    starts, ends, data = _text_buffers(column)
    lengths = ends - starts
    lane = lengths.astype(np.uint64) * prime ^ seed
    rows = np.flatnonzero((lengths > 0) & (lengths < _LONG))
    done = 0
    while len(rows):
        left = np.minimum(lengths[rows] - done, 8).astype(np.uint64)
        words = data[starts[rows] + done] & (_FULL >> ((np.uint64(8) - left) * np.uint64(8)))
        turned = (lane[rows] ^ words) * prime
        turned ^= turned >> np.uint64(32)
        lane[rows] = turned
        done += 8
        rows = rows[lengths[rows] > done]
    _mix(lane, prime)
    for row in np.flatnonzero(lengths >= _LONG).tolist():
        lane[row] = _long_text(column[row].as_buffer(), seed)
    return lane


_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)


def _long_text(text: pa.Buffer, seed: np.uint64) -> np.uint64:
    digest = hashlib.blake2b(text, digest_size=8, key=int(seed).to_bytes(8, "little"))
    return np.uint64(int.from_bytes(digest.digest(), "little"))


def _text_buffers(
    column: pa.Array,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Words]:
    """Where each value starts and ends, and the eight bytes from any place of their bytes on."""
    _, offsets, data = column.buffers()
    wide = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    width = np.int64 if wide else np.int32
    stored = np.frombuffer(offsets, width) if offsets else np.zeros(1, width)
    bounds = stored[column.offset : column.offset + len(column) + 1].astype(np.int64)
    low, high = (int(bounds[0]), int(bounds[-1])) if len(bounds) else (0, 0)
    padded = np.zeros(high - low + 8, np.uint8)
    if data is not None:
        padded[: high - low] = np.frombuffer(data, np.uint8)[low:high]
    words: Words = np.ndarray((high - low + 1,), "<u8", padded, strides=(1,))
    return bounds[:-1] - low, bounds[1:] - low, words
