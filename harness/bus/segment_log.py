"""The embedded event bus: a durable log in one folder of one machine."""

import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from harness.bus.event_json import from_bytes, to_bytes
from harness.bus.mark import Mark
from harness.bus.segment import MAX_RECORD_BYTES
from harness.bus.segment_reader import SegmentReader
from harness.bus.segment_writer import Retention, SegmentWriter
from harness.disk import refused
from harness.errors import InvalidInput, TooLarge
from harness.events.envelope import Event
from harness.ports.bus import Delivery
from harness.ports.clock import Clock

_CONSUMER = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class SegmentLog:
    """Published by one process, polled by any number; one process per consumer name.

    The first `publish` makes this the writer until `close`. Offsets count from 1. When a
    segment is full, old ones beyond the retention go, but never one that a consumer, known since
    its first `poll`, has not committed.
    """

    def __init__(self, folder: Path, clock: Clock, retention: Retention | None = None) -> None:
        """The folder is made if it is missing.

        Raises:
            Unavailable: the folder cannot be used.
            StorageFull: no room is left.
        """
        self._folder = folder
        self._clock = clock
        self._retention = retention or Retention()
        self._name = f"The event log {folder}"
        self._consumers = folder / "consumers"
        self._durable = Mark(folder / "durable")
        self._writer: SegmentWriter | None = None
        self._writing = Lock()
        self._reading = Lock()
        self._readers: dict[str, SegmentReader] = {}
        with refused(self._name):
            self._consumers.mkdir(parents=True, exist_ok=True)

    def publish(self, events: Sequence[Event]) -> None:
        """Append; returns when the events survive a crash of this process and this machine.

        Raises:
            TooLarge: an event exceeds the limit of one record; nothing was published.
            Unavailable: nothing was promised, or another process is the writer.
            StorageFull: no room is left; nothing was promised.
            Corrupt: the end of the log is damaged.
        """
        records = [_record(event) for event in events]
        if not records:
            return
        with self._writing, refused(self._name):
            writer = self._writer or SegmentWriter(self._folder, self._durable, self._retention)
            self._writer = None  # stays so if it fails: the next call recovers
            if writer.append(records):
                writer.drop_old(self._committed(), self._clock.now())
            self._writer = writer

    def poll(self, consumer: str, limit: int) -> Sequence[Delivery]:
        """The next deliveries after the consumer's committed offset; empty when none wait.

        Gives fewer than `limit` rather than more than a few MiB at once.
        """
        mark = self._mark(consumer)
        with self._reading, refused(self._name):
            mark.register()
            reader = self._readers.setdefault(consumer, SegmentReader(self._folder, self._durable))
            found = reader.read(mark.read() + 1, limit)
        return [Delivery(offset, from_bytes(record)) for offset, record in found]

    def commit(self, consumer: str, offset: int) -> None:
        """The consumer's effects up to and including `offset` are durable.

        Raises:
            InvalidInput: nothing was published under this offset.
        """
        if offset > self._durable.read():
            raise InvalidInput(
                f"Offset {offset} was never delivered to {consumer}. Commit what `poll` gave."
            )
        with refused(self._name):
            self._mark(consumer).write(offset, sync=True)

    def close(self) -> None:
        """Let another process write."""
        with self._writing:
            if self._writer:
                self._writer.close()
            self._writer = None

    def _committed(self) -> list[int]:
        return [Mark(path).read() for path in self._consumers.iterdir()]

    def _mark(self, consumer: str) -> Mark:
        if not _CONSUMER.fullmatch(consumer):
            raise InvalidInput(
                f"The consumer name {consumer!r} is not usable. Use 1 to 63 lower-case letters, "
                "digits, dots, hyphens and underscores."
            )
        return Mark(self._consumers / consumer)


def _record(event: Event) -> bytes:
    record = to_bytes(event)
    if len(record) > MAX_RECORD_BYTES:
        raise TooLarge(
            f"Event {event.id} has {len(record)} bytes; the log takes {MAX_RECORD_BYTES}. "
            "Put what is large into an artifact."
        )
    return record
