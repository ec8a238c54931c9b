"""Brings results to the scheduler in batches, again and again until it took them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from harness.domain.attempt import AttemptResult
from harness.domain.ids import AttemptId, LeaseId
from harness.domain.work import Report
from harness.errors import Unavailable
from harness.ports.dispatch import Dispatch

_T = TypeVar("_T")

FLUSH_SECONDS = 0.2
"""How long results wait for others: each report is a transaction, however few it brings."""
BATCH = 250
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
PATIENCE_SECONDS = 300.0
"""How long a host goes on asking a scheduler that does not answer."""


async def persistently(call: Callable[[], Awaitable[_T]]) -> _T:
    """The call's value, after as many tries as it takes within the patience.

    Raises:
        Unavailable: the scheduler did not come back.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_SECONDS
    tries = 0
    while True:
        try:
            return await call()
        except Unavailable:
            if loop.time() > until:
                raise
            await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
            tries += 1


@dataclass(slots=True)
class Reporter:
    """Results of one lease on their way to the scheduler."""

    dispatch: Dispatch
    lease_id: LeaseId
    _waiting: dict[AttemptId, AttemptResult] = field(default_factory=dict)
    _sending: dict[AttemptId, AttemptResult] = field(default_factory=dict)
    _filled: asyncio.Event = field(default_factory=asyncio.Event)
    _order: asyncio.Lock = field(default_factory=asyncio.Lock)

    def add(self, attempt_id: AttemptId, result: AttemptResult) -> None:
        """Send this soon."""
        self._waiting[attempt_id] = result
        self._filled.set()

    @property
    def unsent(self) -> set[AttemptId]:
        """Attempts whose results the scheduler has not confirmed."""
        return {*self._waiting, *self._sending}

    async def run(self) -> None:
        """Send what comes, until cancelled.

        Raises:
            Fenced: the lease has ended.
        """
        while True:
            await self._filled.wait()
            if len(self._waiting) < BATCH:
                await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Send everything that waits, and return when the scheduler took it.

        Raises:
            Fenced: the lease has ended.
        """
        async with self._order:
            while self._waiting:
                self._sending = dict(list(self._waiting.items())[:BATCH])
                for attempt_id in self._sending:
                    del self._waiting[attempt_id]
                report = Report(self.lease_id, self._sending)
                await persistently(lambda report=report: self.dispatch.report(report))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
                self._sending = {}
            self._filled.clear()
