"""The files of an upload, read where they lie: a tar file, or one report alone."""

import io
import posixpath
import re
from collections.abc import Iterator
from typing import BinaryIO

from harness.errors import InvalidInput, TooLarge

MEMBERS = 250_000
_BLOCK = 512
_NAME = 64 * 1024
"""Bytes of a header that carries a long name."""
_SHELTER = ".attachments"
_MAGIC = slice(257, 262)
_PAX_PATH = re.compile(rb"(?:^|\n)\d{1,7} path=([^\n]*)\n")


class ReportArchive:
    """Names and bytes; nothing is unpacked, so no name can lead anywhere.

    Of a tar file only regular files count. One report alone has the name given.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Looks through the file once.

        Raises:
            InvalidInput: it is a damaged tar file.
            TooLarge: it has too many members.
        """
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        file.seek(0, io.SEEK_END)
        self.bytes = file.tell()
        """Of all of it."""
        if not self._is_tar():
            self._places[name] = (0, self.bytes)
            return
        for member, place, size in self._members():
            self._places[member] = (place, size)
            if len(self._places) > MEMBERS:
                raise TooLarge(f"The upload has more than {MEMBERS} files. Import fewer at once.")

    def names(self) -> list[str]:
        """Every file, in a fixed order."""
        return sorted(self._places)

    def size(self, name: str) -> int:
        """Of one file, in bytes."""
        return self._places[name][1]

    def open(self, name: str) -> BinaryIO:
        """One file; use it before the next is opened."""
        return io.BufferedReader(_Part(self._file, *self._places[name]), 64 * 1024)

    def find(self, report: str, path: str) -> str | None:
        """The file that a report, or a folder of them, means; None if the upload has it not."""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(report), path))
        return next((name for name in (beside, sheltered(path)) if name in self._places), None)

    def _is_tar(self) -> bool:
        self._file.seek(0)
        return self._file.read(_BLOCK)[_MAGIC] == b"ustar"

    def _members(self) -> Iterator[tuple[str, int, int]]:
        place, long = 0, b""
        while header := self._header(place):
            size, kind = _octal(header[124:136]), header[156:157]
            place += _BLOCK
            if place + size > self.bytes:
                raise InvalidInput("The upload is a tar file that ends in the middle. Send again.")
            if kind in b"Lx":
                long = self._long_name(place, size, kind) or long
            elif kind in {b"0", b"\0"}:
                yield _name(long or _short_name(header)), place, size
                long = b""
            elif kind not in b"gK":
                long = b""
            place += -(-size // _BLOCK) * _BLOCK

    def _header(self, place: int) -> bytes:
        self._file.seek(place)
        header = self._file.read(_BLOCK)
        if len(header) < _BLOCK or not header.strip(b"\0"):
            return b""
        told = sum(header[:148]) + 8 * 32 + sum(header[156:])
        if _octal(header[148:156]) != told:
            raise InvalidInput("The upload is a damaged tar file. Send it again.")
        return header

    def _long_name(self, place: int, size: int, kind: bytes) -> bytes:
        if size > _NAME:
            raise TooLarge(f"The upload has a file name of more than {_NAME} bytes.")
        self._file.seek(place)
        content = self._file.read(size)
        if kind == b"L":
            return content.rstrip(b"\0")
        found = _PAX_PATH.search(content)
        return found.group(1) if found else b""


class _Part(io.RawIOBase):
    """A range of a file, to be read once."""

    def __init__(self, file: BinaryIO, place: int, size: int) -> None:
        self._file = file
        self._left = size
        file.seek(place)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]  # as it is used
        chunk = self._file.read(min(len(buffer), self._left))
        self._left -= len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def is_attachment(name: str) -> bool:
    """Whether it is in the upload because a report names it."""
    return name.startswith(f"{_SHELTER}/")


def sheltered(path: str) -> str:
    """Where an upload keeps a file that a report names by a path from elsewhere."""
    parts = path.replace("\\", "/").split("/")
    return "/".join([_SHELTER, *(part for part in parts if part not in {"", ".", ".."})])


def _short_name(header: bytes) -> bytes:
    name, prefix = header[:100].partition(b"\0")[0], header[345:500].partition(b"\0")[0]
    is_posix = header[257:263] == b"ustar\0"
    return prefix + b"/" + name if prefix and is_posix else name


def _name(name: bytes) -> str:
    return posixpath.normpath(name.decode("utf-8", "replace").partition("\0")[0])


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise InvalidInput("The upload is a damaged tar file. Send it again.")
    return int(digits, 8)
