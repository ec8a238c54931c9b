"""Reading a segment log without disturbing its writer."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from harness.bus.mark import Mark
from harness.bus.segment import Place, Segment, position_of, records_of, segments_of
from harness.errors import Corrupt

_MAX_BYTES = 8 << 20


class SegmentReader:
    """One consumer's way through the log; knows where the records after its last read stand."""

    def __init__(self, folder: Path, durable: Mark) -> None:
        """`durable` is the offset of the last record that may be seen."""
        self._folder = folder
        self._durable = durable
        self._places: dict[int, Place] = {}

    def read(self, first: int, limit: int) -> list[tuple[int, bytes]]:
        """Records with their offsets, from offset `first` or the oldest that is left.

        Raises:
            Corrupt: a record that was promised is damaged.
            OSError: the disk refused.
        """
        found: list[tuple[int, bytes]] = []
        promised = self._durable.read()
        if first > promised or limit < 1:
            return found
        places: dict[int, Place] = {}
        size = 0
        for record, after in self._records(first, promised):
            found.append((after.offset - 1, record))
            places[after.offset] = after
            size += len(record)
            if len(found) >= limit or size >= _MAX_BYTES:
                break
        self._places = places
        return found

    def _records(self, first: int, promised: int) -> Iterator[tuple[bytes, Place]]:
        """Records, each with the place after it, up to the last promised one."""
        for segment, last in _extents(self._folder, promised):
            if last < first:
                continue
            offset = max(first, segment.base)
            with segment.path.open("rb") as file:
                file.seek(self._position(file, segment, offset))
                for record, position in records_of(file):
                    offset += 1
                    yield record, Place(offset, segment, position)
                    if offset > last:
                        break
            if offset <= last:
                raise Corrupt(
                    f"{segment.path} is damaged: offset {offset} cannot be read, but {last} was "
                    "promised. Restore the file from a backup."
                )

    def _position(self, file: BinaryIO, segment: Segment, offset: int) -> int:
        known = self._places.get(offset)
        if known and known.segment == segment:
            return known.position
        return position_of(file, offset - segment.base)


def _extents(folder: Path, promised: int) -> Iterator[tuple[Segment, int]]:
    """Segments, oldest first, each with the last offset in it that was promised."""
    segments = segments_of(folder)
    for segment, following in pairwise(segments):
        yield segment, min(following.base - 1, promised)
    if segments:
        yield segments[-1], promised
