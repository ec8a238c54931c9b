"""One file of the segment log: records one after the other, each with length and checksum."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct(">II")

MAX_RECORD_BYTES = 16 << 20
"""Of one record; a greater length in a file is damage."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A file whose first record has the offset `base`."""

    path: Path
    base: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log a record stands."""

    offset: int
    segment: Segment
    position: int
    """Bytes from the start of the segment's file."""


def segments_of(folder: Path) -> list[Segment]:
    """The log's segments, oldest first."""
    return sorted(
        (Segment(path, int(path.stem)) for path in folder.glob("*.log")),
        key=lambda segment: segment.base,
    )


def segment_at(folder: Path, base: int) -> Segment:
    """The segment that begins, or will begin, with this offset."""
    return Segment(folder / f"{base:020d}.log", base)


def framed(records: Sequence[bytes]) -> bytes:
    """The records as they stand in a file."""
    return b"".join(_HEADER.pack(len(record), zlib.crc32(record)) + record for record in records)


def records_of(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Records from the file's position on, each with the position after it.

    Ends before the first record that is not whole.
    """
    position = file.tell()
    while len(header := file.read(_HEADER.size)) == _HEADER.size:
        length, checksum = _HEADER.unpack(header)
        # Length 0 is what a file grown by a crash is filled with.
        if not 0 < length <= MAX_RECORD_BYTES:
            return
        record = file.read(length)
        if len(record) < length or zlib.crc32(record) != checksum:
            return
        position += _HEADER.size + length
        yield record, position


def position_of(file: BinaryIO, index: int) -> int:
    """Where the segment's record of this index begins, or the file ends; reads no records."""
    position = 0
    for _ in range(index):
        file.seek(position)
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            break
        position += _HEADER.size + int(_HEADER.unpack(header)[0])
    return position
