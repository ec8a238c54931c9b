"""What SegmentLog does beyond its port: crashes, damage, several processes, retention."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from harness.bus.mark import Mark
from harness.bus.segment import segments_of
from harness.bus.segment_log import SegmentLog
from harness.bus.segment_writer import Retention
from harness.errors import Corrupt, InvalidInput, Unavailable
from tests.fakes.clock import FakeClock
from tests.support.samples import an_event

DAY = 86400.0


class Folder:
    """A folder that closes every log opened in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open = ExitStack()

    def opened(self, retention: Retention | None = None) -> SegmentLog:
        return self._open.enter_context(closing(SegmentLog(self.path, FakeClock(), retention)))

    def published(self, count: int, retention: Retention | None = None) -> SegmentLog:
        log = self.opened(retention)
        for number in range(1, count + 1):
            log.publish([an_event(number)])
        return log

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with closing(Folder(tmp_path)) as made:
        yield made


def numbers(log: SegmentLog, consumer: str = "audit") -> list[int]:
    return [delivery.event.seq for delivery in log.poll(consumer, 1000)]


@pytest.mark.parametrize("tail", [b"\x00", b"\x00" * 4096, b"\x00\x00\x00\x09\x00\x00\x00\x00{"])
def test_torn_tail_is_cut_off_by_the_next_writer(folder: Folder, tail: bytes) -> None:
    folder.published(2).close()
    with segments_of(folder.path)[-1].path.open("ab") as file:
        file.write(tail)
    log = folder.opened()
    assert numbers(log) == [1, 2]
    log.publish([an_event(3)])
    assert numbers(log) == [1, 2, 3]


def test_record_of_a_writer_killed_before_its_promise_is_kept(folder: Folder) -> None:
    folder.published(2).close()
    (folder.path / "durable").unlink()
    assert numbers(folder.opened()) == []
    log = folder.opened()
    log.publish([an_event(3)])
    assert numbers(log) == [1, 2, 3]


def test_damage_to_what_was_promised_is_never_cut_off(folder: Folder) -> None:
    folder.published(3).close()
    path = segments_of(folder.path)[-1].path
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"offset 2, but 3"):
        folder.opened().publish([an_event(4)])
    with pytest.raises(Corrupt, match=r"offset 3 cannot be read"):
        folder.opened().poll("audit", 10)
    assert path.read_bytes() == content


def test_second_writer_is_told_who_the_first_is(folder: Folder) -> None:
    first = folder.published(1)
    with pytest.raises(Unavailable, match=r"writer already \(process \d+\)"):
        folder.opened().publish([an_event(2)])
    first.close()
    assert numbers(folder.published(1)) == [1, 1]


def test_reader_elsewhere_follows_over_segments(folder: Folder) -> None:
    reader = folder.opened()
    folder.published(20, Retention(segment_bytes=1000))
    assert len(segments_of(folder.path)) > 3
    assert numbers(reader) == list(range(1, 21))


def test_offset_never_delivered_is_not_committed(folder: Folder) -> None:
    with pytest.raises(InvalidInput, match="Offset 2"):
        folder.published(1).commit("audit", 2)


@pytest.mark.parametrize("name", ["", "../up", "A"])
def test_unusable_consumer_names_are_refused(folder: Folder, name: str) -> None:
    with pytest.raises(InvalidInput):
        folder.opened().poll(name, 1)


@pytest.mark.parametrize(
    "retention",
    [
        Retention(segment_bytes=1000, keep_bytes=0),
        Retention(segment_bytes=1000, keep_seconds=0),
    ],
)
def test_only_what_every_consumer_committed_goes(folder: Folder, retention: Retention) -> None:
    log = folder.published(20, retention)
    assert numbers(log, "fast") == numbers(log, "slow") == list(range(1, 21))
    log.commit("fast", 20)
    log.commit("slow", 7)
    for number in range(21, 25):
        log.publish([an_event(number)])
    oldest = segments_of(folder.path)[0].base
    assert 1 < oldest <= 8
    assert numbers(log, "slow") == list(range(8, 25))
    assert numbers(log, "late") == list(range(oldest, 25))


def test_nothing_within_the_limits_goes(folder: Folder) -> None:
    log = folder.published(10, Retention(segment_bytes=1000, keep_seconds=20 * 365 * DAY))
    numbers(log)
    log.commit("audit", 10)
    for number in range(11, 20):
        log.publish([an_event(number)])
    assert segments_of(folder.path)[0].base == 1


def test_mark_survives_a_torn_slot(folder: Folder) -> None:
    mark = Mark(folder.path / "mark")
    mark.write(1, sync=True)
    mark.write(2, sync=True)
    content = (folder.path / "mark").read_bytes()
    for damaged in (content[:-1], content[:-1] + b"\x00", b"\xff" + content[1:]):
        (folder.path / "mark").write_bytes(damaged)
        assert mark.read() in {1, 2}
