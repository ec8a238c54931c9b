"""The one writer of a segment log."""

import fcntl
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from harness.bus.mark import Mark
from harness.bus.segment import Segment, framed, records_of, segment_at, segments_of
from harness.disk import sync_folder
from harness.errors import Corrupt, Unavailable


@dataclass(frozen=True, slots=True)
class Retention:
    """When a segment is closed, and when a closed one that every consumer is through with goes."""

    segment_bytes: int = 16 << 20
    """Beyond this, the next records go to a new segment."""
    keep_bytes: int = 1 << 30
    keep_seconds: float = 7 * 86400.0


class SegmentWriter:
    """Holds the log's lock from its making to `close`, or to the death of the process."""

    def __init__(self, folder: Path, durable: Mark, retention: Retention) -> None:
        """Cuts off what a crash left half written at the end.

        Args:
            folder: holds the segments.
            durable: the offset of the last record that readers may see.
            retention: limits of the segments.

        Raises:
            Unavailable: another process writes.
            Corrupt: a record that was promised is damaged.
            OSError: the disk refused.
        """
        self._folder = folder
        self._durable = durable
        self._retention = retention
        self._lock = _locked(folder / "writer.lock")
        try:
            self._segment, self._file, self._end = self._recover()
        except BaseException:
            self._lock.close()
            raise

    def append(self, records: Sequence[bytes]) -> bool:
        """Write the records and wait for the disk; gives whether a new segment begins now.

        Raises:
            OSError: the disk refused; nothing of it will be seen, and this writer is closed.
        """
        start = os.fstat(self._file.fileno()).st_size
        try:
            _write_all(self._file, framed(records))
            os.fdatasync(self._file.fileno())
            self._durable.write(self._end + len(records), sync=False)
        except OSError:
            self._give_up(start)
            raise
        self._end += len(records)
        if os.fstat(self._file.fileno()).st_size < self._retention.segment_bytes:
            return False
        self._roll()
        return True

    def drop_old(self, committed: Iterable[int], now: datetime) -> None:
        """Remove closed segments beyond the limits that every consumer is through with."""
        through = min(committed, default=0)
        segments = segments_of(self._folder)
        total = sum(segment.path.stat().st_size for segment in segments)
        for segment, following in pairwise(segments):
            status = segment.path.stat()
            is_old = now.timestamp() - status.st_mtime > self._retention.keep_seconds
            if following.base > through + 1 or not (is_old or total > self._retention.keep_bytes):
                return
            segment.path.unlink()
            total -= status.st_size

    def close(self) -> None:
        """Let another process write."""
        self._file.close()
        self._lock.close()

    def _recover(self) -> tuple[Segment, BinaryIO, int]:
        promised = self._durable.read()
        segments = segments_of(self._folder)
        segment = segments[-1] if segments else segment_at(self._folder, promised + 1)
        # Unbuffered: what was written is in the kernel's hands, even if the process dies.
        file = segment.path.open("ab", buffering=0)
        try:
            sync_folder(self._folder)
            end = _cut(segment, file, promised)
            self._durable.write(end, sync=False)
        except BaseException:
            file.close()
            raise
        return segment, file, end

    def _roll(self) -> None:
        self._file.close()
        self._segment = segment_at(self._folder, self._end + 1)
        self._file = self._segment.path.open("ab", buffering=0)
        sync_folder(self._folder)

    def _give_up(self, size: int) -> None:
        # After a failed write or sync nobody knows what the kernel kept: the next writer looks.
        try:
            self._file.truncate(size)
            os.fdatasync(self._file.fileno())
        finally:
            self.close()


def _write_all(file: BinaryIO, content: bytes) -> None:
    """One write of an unbuffered file may take less than all."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _cut(segment: Segment, file: BinaryIO, promised: int) -> int:
    """Cut off what is not whole; gives the offset of the last record."""
    count = position = 0
    with segment.path.open("rb") as reading:
        for _record, after in records_of(reading):
            count, position = count + 1, after
    end = segment.base + count - 1
    if end < promised:
        raise Corrupt(
            f"{segment.path} is damaged at byte {position}: it ends with offset {end}, but "
            f"{promised} was promised. Restore the file from a backup."
        )
    file.truncate(position)
    os.fdatasync(file.fileno())
    return end


def _locked(path: Path) -> BinaryIO:
    file = path.open("a+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read(20).decode(errors="replace") or "unknown"
        file.close()
        raise Unavailable(
            f"The event log {path.parent} has a writer already (process {holder}). "
            "Publish through that one, or stop it first."
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    return file
