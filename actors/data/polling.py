"""A validation repeated until it holds, for data that arrives late."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from actors.data.findings import Report
from harness.errors import HarnessError, NotFound, Unavailable
from harness.ports.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Polled:
    """The last validation of several."""

    report: Report
    attempts: int
    seconds: float

    @property
    def text(self) -> str:
        """The last findings, and after how long they were still so."""
        if self.report.met:
            return self.report.text
        return f"still after {self.attempts} attempts in {self.seconds:.1f} s:\n{self.report.text}"


@dataclass(frozen=True, slots=True)
class Polling:
    """How long, and how often, data that is not yet right is looked at again."""

    deadline: timedelta
    every: timedelta = timedelta(seconds=1)
    """From the end of one validation to the start of the next."""
    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], None] = time.sleep

    def until_met(self, validate: Callable[[], Report]) -> Polled:
        """Validates at least once, and last when the deadline has come.

        A source that is not there yet, or does not answer, may come within the deadline.

        Raises:
            HarnessError: what the last validation raised; at once if waiting cannot help.
        """
        started = self.clock.monotonic()
        end = started + self.deadline.total_seconds()
        attempts = 0
        while True:
            attempts += 1
            found = self._attempt(validate)
            now = self.clock.monotonic()
            if isinstance(found, Report) and (found.met or now >= end):
                return Polled(found, attempts, now - started)
            if isinstance(found, HarnessError) and now >= end:
                raise found
            self.sleep(max(0.0, min(self.every.total_seconds(), end - now)))

    def _attempt(self, validate: Callable[[], Report]) -> Report | HarnessError:
        try:
            return validate()
        except (NotFound, Unavailable) as error:
            return error
