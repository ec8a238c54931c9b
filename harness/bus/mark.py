"""A number in a file that is old or new after a crash, never something else."""

import os
import struct
import zlib
from pathlib import Path

_SLOT = struct.Struct(">QI")


class Mark:
    """Two checksummed slots, written in turn; the greater valid one counts, so it only grows."""

    def __init__(self, path: Path) -> None:
        """The file is made by the first `write`."""
        self._path = path

    def register(self) -> None:
        """Make the file, if it is missing."""
        if not self._path.exists():
            self._path.touch()

    def read(self) -> int:
        """The number; 0 before the first."""
        return max(self._slots())

    def write(self, number: int, *, sync: bool) -> None:
        """Replace a smaller number; with `sync` it survives a crash of the machine.

        Raises:
            OSError: the disk refused.
        """
        slots = self._slots()
        if number <= max(slots):
            return
        packed = struct.pack(">Q", number)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            place = slots.index(min(slots)) * _SLOT.size
            os.pwrite(descriptor, packed + struct.pack(">I", zlib.crc32(packed)), place)
            if sync:
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def _slots(self) -> list[int]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            content = b""
        return [_number(content[place : place + _SLOT.size]) for place in (0, _SLOT.size)]


def _number(slot: bytes) -> int:
    if len(slot) < _SLOT.size:
        return 0
    number, checksum = _SLOT.unpack(slot)
    return int(number) if zlib.crc32(slot[:8]) == checksum else 0
