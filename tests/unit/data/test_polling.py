"""Data that arrives late is waited for, and not longer than allowed."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from actors.data.findings import Finding, Report
from actors.data.polling import Polling
from harness.errors import HarnessError, InvalidInput, NotFound
from tests.fakes.clock import FakeClock

GOOD = Report("orders", 3, [Finding("count", "orders", "")])
BAD = Report(
    "orders", 2, [Finding("count", "orders", "orders has too few rows", "3", "2", met=False)]
)


def polling(clock: FakeClock) -> Polling:
    """Ten seconds, every three."""
    return Polling(timedelta(seconds=10), timedelta(seconds=3), clock, clock.advance)


def replies(*found: Report | HarnessError) -> Callable[[], Report]:
    """A validation that gives each in turn, and the last for ever."""
    left: Iterator[Report | HarnessError] = iter(found)
    last = found[-1]

    def validate() -> Report:
        each = next(left, last)
        if isinstance(each, HarnessError):
            raise each
        return each

    return validate


def test_it_ends_as_soon_as_the_rules_hold() -> None:
    polled = polling(FakeClock()).until_met(replies(BAD, NotFound("no file yet"), GOOD))
    assert (polled.report, polled.attempts, polled.seconds) == (GOOD, 3, 6)


def test_the_last_findings_are_told_when_time_runs_out() -> None:
    polled = polling(FakeClock()).until_met(replies(BAD))
    assert polled.text == (
        "still after 5 attempts in 10.0 s:\norders has too few rows: expected 3, observed 2"
    )


@pytest.mark.parametrize(
    ("error", "seconds"), [(NotFound("no file yet"), 10), (InvalidInput("no such rule"), 0)]
)
def test_an_error_is_raised_when_waiting_cannot_help(error: HarnessError, seconds: int) -> None:
    clock = FakeClock()
    with pytest.raises(type(error)):
        polling(clock).until_met(replies(error))
    assert clock.monotonic() == seconds
