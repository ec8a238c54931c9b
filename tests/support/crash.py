"""Programs that write and acknowledge line by line, until they are killed or the disk is full."""

import sys
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from itertools import count
from pathlib import Path

from harness.bus.segment_log import SegmentLog
from harness.bus.segment_writer import Retention
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import StorageFull
from harness.events.facts import CancelRequested
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from harness.stores.file_artifacts import FileArtifacts
from harness.stores.sql.records import SqlRecords
from tests.support.samples import SUBMITTED, a_run, an_event

_LARGE = 64 * 1024


def publish(folder: Path) -> None:
    """Publish batches of three; acknowledge each by the number of its last event."""
    log = SegmentLog(folder, SystemClock(), Retention(segment_bytes=20_000))
    for first in count(1, 3):
        log.publish([an_event(first + step) for step in range(3)])
        _acknowledge(first + 2)


def save(folder: Path) -> None:
    """Save one run again and again; acknowledge each by the run's seq."""
    records = SqlRecords(f"sqlite:///{folder / 'records.db'}", SystemEntropy())
    records.migrate()
    with records.transaction(DEFAULT_SCOPE) as tx:
        run = tx.runs.add(a_run(), [SUBMITTED])
    while True:
        with records.transaction(DEFAULT_SCOPE) as tx:
            run = tx.runs.save(run, [CancelRequested("ann", "")] * 3)
        _acknowledge(run.seq)


def fill(folder: Path) -> None:
    """Write until the disk is full, to each store; say what still holds afterwards."""
    with closing(SqlRecords(f"sqlite:///{folder / 'records.db'}", SystemEntropy())) as records:
        records.migrate()
        with records.transaction(DEFAULT_SCOPE) as tx:
            run = tx.runs.add(a_run(), [])
        log = SegmentLog(folder / "log", SystemClock())
        log.publish([an_event(1)])
        artifacts = FileArtifacts(folder / "artifacts")
        small, _ = artifacts.put(DEFAULT_SCOPE, BytesIO(b"small"), max_bytes=9)
        published = _fill_log(log)
        try:
            artifacts.put(DEFAULT_SCOPE, BytesIO(bytes(_LARGE)), max_bytes=_LARGE)
        except StorageFull:
            _acknowledge(len(list((folder / "artifacts" / ".partial").iterdir())))
        try:
            while True:
                with records.transaction(DEFAULT_SCOPE) as tx:
                    saved = tx.runs.save(replace(run, message="m" * _LARGE))
                run = saved
        except StorageFull:
            with records.transaction(DEFAULT_SCOPE) as tx:
                _acknowledge(int(tx.runs.get(run.id) == run))
        _acknowledge(int(b"".join(artifacts.read(DEFAULT_SCOPE, small)) == b"small"))
        _acknowledge(len(log.poll("audit", 10_000)) - published)


def _fill_log(log: SegmentLog) -> int:
    for published in count(1):
        try:
            log.publish([an_event(published + 1, "x" * 4096)])
        except StorageFull:
            return published
    raise AssertionError


def _acknowledge(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"publish": publish, "save": save, "fill": fill}[sys.argv[1]](Path(sys.argv[2]))
