"""What SegmentLog does beyond its port: crashes, damage, several processes, retention."""

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


def opened(folder: Path, retention: Retention | None = None) -> SegmentLog:
    return SegmentLog(folder, FakeClock(), retention)


def published(folder: Path, count: int, retention: Retention | None = None) -> SegmentLog:
    log = opened(folder, retention)
    for number in range(1, count + 1):
        log.publish([an_event(number)])
    return log


def numbers(log: SegmentLog, consumer: str = "audit") -> list[int]:
    return [delivery.event.seq for delivery in log.poll(consumer, 1000)]


@pytest.mark.parametrize("tail", [b"\x00", b"\x00" * 4096, b"\x00\x00\x00\x09\x00\x00\x00\x00{"])
def test_torn_tail_is_cut_off_by_the_next_writer(tmp_path: Path, tail: bytes) -> None:
    published(tmp_path, 2).close()
    with segments_of(tmp_path)[-1].path.open("ab") as file:
        file.write(tail)
    log = opened(tmp_path)
    assert numbers(log) == [1, 2]
    log.publish([an_event(3)])
    assert numbers(log) == [1, 2, 3]


def test_record_of_a_writer_killed_before_its_promise_is_kept(tmp_path: Path) -> None:
    published(tmp_path, 2).close()
    (tmp_path / "durable").unlink()
    assert numbers(opened(tmp_path)) == []
    log = opened(tmp_path)
    log.publish([an_event(3)])
    assert numbers(log) == [1, 2, 3]


def test_damage_to_what_was_promised_is_never_cut_off(tmp_path: Path) -> None:
    published(tmp_path, 3).close()
    path = segments_of(tmp_path)[-1].path
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"offset 2, but 3"):
        opened(tmp_path).publish([an_event(4)])
    with pytest.raises(Corrupt, match=r"offset 3 cannot be read"):
        opened(tmp_path).poll("audit", 10)
    assert path.read_bytes() == content


def test_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    first = published(tmp_path, 1)
    with pytest.raises(Unavailable, match=r"writer already \(process \d+\)"):
        opened(tmp_path).publish([an_event(2)])
    first.close()
    assert numbers(published(tmp_path, 1)) == [1, 1]


def test_reader_elsewhere_follows_over_segments(tmp_path: Path) -> None:
    reader = opened(tmp_path)
    published(tmp_path, 20, Retention(segment_bytes=1000))
    assert len(segments_of(tmp_path)) > 3
    assert numbers(reader) == list(range(1, 21))


def test_offset_never_delivered_is_not_committed(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Offset 2"):
        published(tmp_path, 1).commit("audit", 2)


@pytest.mark.parametrize("name", ["", "../up", "A"])
def test_unusable_consumer_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        opened(tmp_path).poll(name, 1)


@pytest.mark.parametrize(
    "retention",
    [
        Retention(segment_bytes=1000, keep_bytes=0),
        Retention(segment_bytes=1000, keep_seconds=0),
    ],
)
def test_only_what_every_consumer_committed_goes(tmp_path: Path, retention: Retention) -> None:
    log = published(tmp_path, 20, retention)
    assert numbers(log, "fast") == numbers(log, "slow") == list(range(1, 21))
    log.commit("fast", 20)
    log.commit("slow", 7)
    for number in range(21, 25):
        log.publish([an_event(number)])
    oldest = segments_of(tmp_path)[0].base
    assert 1 < oldest <= 8
    assert numbers(log, "slow") == list(range(8, 25))
    assert numbers(log, "late") == list(range(oldest, 25))


def test_nothing_within_the_limits_goes(tmp_path: Path) -> None:
    log = published(tmp_path, 10, Retention(segment_bytes=1000, keep_seconds=20 * 365 * DAY))
    numbers(log)
    log.commit("audit", 10)
    for number in range(11, 20):
        log.publish([an_event(number)])
    assert segments_of(tmp_path)[0].base == 1


def test_mark_survives_a_torn_slot(tmp_path: Path) -> None:
    mark = Mark(tmp_path / "mark")
    mark.write(1, sync=True)
    mark.write(2, sync=True)
    content = (tmp_path / "mark").read_bytes()
    for damaged in (content[:-1], content[:-1] + b"\x00", b"\xff" + content[1:]):
        (tmp_path / "mark").write_bytes(damaged)
        assert mark.read() in {1, 2}
