"""Text files cut into ranges of whole lines, so that several tasks can read one file."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from harness.errors import InvalidInput, TooLarge

_BLOCK = 1 << 20
_LONGEST_LINE = 16 << 20
_RATIO = 200
_ALWAYS_UNPACKED = 64 << 20
"""Bytes that may come of a small file before its ratio is looked at."""


@dataclass(frozen=True, slots=True)
class TextRange:
    """Bytes of a file from the start of a line to the end of one."""

    path: Path
    name: str
    start: int
    stop: int

    def read(self) -> bytes:
        """The bytes; as many as a task may hold."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.stop - self.start)


@dataclass(slots=True)
class LineCutter:
    """Finds line ends near wanted places in one pass; a quoted line end is none."""

    path: Path
    name: str
    size: int
    quoted: bool
    """Whether double quotes hide line ends, as in CSV."""

    def ranges(self, start: int = 0) -> Sequence[TextRange]:
        """The file from `start` on, in ranges of about `size` bytes.

        Raises:
            TooLarge: a line is longer than any line may be.
        """
        return [
            TextRange(self.path, self.name, begin, end)
            for begin, end in pairwise((start, *self._ends(start)))
            if end > begin
        ]

    def _ends(self, start: int) -> Iterator[int]:
        with self.path.open("rb") as file:
            file.seek(start)
            begin, place, inside = start, start, False
            while block := file.read(min(_BLOCK, self.size)):
                end = -1
                if place + len(block) - begin >= self.size:
                    end = self._line_end(block, inside)
                if end >= 0:
                    begin = place + end
                    yield begin
                place += len(block)
                self._check_length(place - begin)
                inside ^= self.quoted and bool(block.count(b'"') % 2)
            if place > begin:
                yield place

    def _line_end(self, block: bytes, inside: bool) -> int:
        """The place behind the first line end outside quotes; -1 where there is none."""
        if not self.quoted:
            return block.find(b"\n") + 1 or -1
        place = 0
        for piece in block.split(b'"'):
            if not inside and (end := piece.find(b"\n")) >= 0:
                return place + end + 1
            place += len(piece) + 1
            inside = not inside
        return -1

    def _check_length(self, behind: int) -> None:
        if behind > self.size + _LONGEST_LINE:
            raise TooLarge(
                f"{self.name} has a line longer than {_LONGEST_LINE >> 20} MiB"
                + (", or a quote that is never closed" if self.quoted else "")
            )


def first_line(path: Path, name: str) -> tuple[bytes, int]:
    """The first line without its end, and where the next one starts.

    Raises:
        InvalidInput: the file is empty.
        TooLarge: the line is longer than any may be.
    """
    with path.open("rb") as file:
        line = file.readline(_BLOCK)
        if not line:
            raise InvalidInput(f"{name} is empty: not even a header line is in it")
        if len(line) == _BLOCK:
            raise TooLarge(f"the first line of {name} is longer than {_BLOCK >> 20} MiB")
        return line.rstrip(b"\r\n"), file.tell()


def sample(path: Path, start: int, size: int = _BLOCK) -> bytes:
    """The first whole lines behind `start`, as many as fit into `size` bytes."""
    with path.open("rb") as file:
        file.seek(start)
        block = file.read(size)
        return block if len(block) < size else block[: block.rfind(b"\n") + 1]


def unpacked(path: Path, name: str, scratch: Path, most: int) -> Path:
    """A plain copy of a `.gz` file below `scratch`; any other file is its own.

    Raises:
        TooLarge: it unpacks to more than `most`, or to far more than texts do.
    """
    if path.suffix != ".gz":
        return path
    copy = scratch / f"{len(list(scratch.iterdir()))}-{path.stem}"
    packed = path.stat().st_size
    try:
        with gzip.open(path) as source, copy.open("wb") as target:
            _copy(source, target, name, packed, most)
    except (OSError, EOFError, zlib.error) as problem:
        raise InvalidInput(f"{name} cannot be unpacked: {type(problem).__name__}") from None
    return copy


def _copy(source: gzip.GzipFile, target: BinaryIO, name: str, packed: int, most: int) -> None:
    size = 0
    while block := source.read(_BLOCK):
        size += len(block)
        if size > most:
            raise TooLarge(f"{name} unpacks to more than {most >> 20} MiB: unpack it, or split it")
        if size > _ALWAYS_UNPACKED and size > packed * _RATIO:
            raise TooLarge(f"{name} unpacks to more than {_RATIO} times its size: it is refused")
        target.write(block)
