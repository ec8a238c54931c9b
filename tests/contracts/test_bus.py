"""What every Bus promises."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.bus.segment_log import SegmentLog
from harness.bus.segment_writer import Retention
from harness.ports.bus import Bus
from tests.fakes.clock import FakeClock
from tests.support.samples import an_event


def segment_log(folder: Path) -> SegmentLog:
    """Small segments, so that every test crosses some."""
    return SegmentLog(folder, FakeClock(), Retention(segment_bytes=2000))


@pytest.fixture(params=[segment_log])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bus]:
    """An empty bus."""
    make: Callable[[Path], SegmentLog] = request.param
    made = make(tmp_path)
    yield made
    made.close()


def test_events_arrive_whole_and_in_order(bus: Bus) -> None:
    events = [an_event(number, "\u2028 \x00 ä") for number in range(50)]
    for event in events:
        bus.publish([event])
    deliveries = bus.poll("audit", 100)
    assert [delivery.event for delivery in deliveries] == events
    assert [delivery.offset for delivery in deliveries] == sorted(
        {delivery.offset for delivery in deliveries}
    )


def test_nothing_waits_on_an_empty_bus(bus: Bus) -> None:
    assert bus.poll("audit", 10) == []
    bus.publish([])
    assert bus.poll("audit", 10) == []


def test_uncommitted_deliveries_come_again(bus: Bus) -> None:
    bus.publish([an_event(1), an_event(2)])
    first = bus.poll("audit", 1)
    assert bus.poll("audit", 1) == first
    bus.commit("audit", first[0].offset)
    assert [delivery.event for delivery in bus.poll("audit", 9)] == [an_event(2)]


def test_earlier_commit_does_not_turn_back(bus: Bus) -> None:
    bus.publish([an_event(1), an_event(2), an_event(3)])
    offsets = [delivery.offset for delivery in bus.poll("audit", 9)]
    bus.commit("audit", offsets[1])
    bus.commit("audit", offsets[0])
    assert [delivery.offset for delivery in bus.poll("audit", 9)] == offsets[2:]


def test_consumers_do_not_disturb_each_other(bus: Bus) -> None:
    bus.publish([an_event(1)])
    bus.commit("audit", bus.poll("audit", 1)[0].offset)
    assert bus.poll("audit", 1) == []
    assert [delivery.event for delivery in bus.poll("search", 1)] == [an_event(1)]


def test_polling_in_pieces_misses_nothing(bus: Bus) -> None:
    bus.publish([an_event(number) for number in range(20)])
    found = []
    for number in range(20, 40):
        bus.publish([an_event(number)])
        for delivery in bus.poll("audit", 3):
            found.append(delivery.event)
            bus.commit("audit", delivery.offset)
    assert found == [an_event(number) for number in range(40)]
