"""One worker's life: ask for tests, hand them over, take results, replace a dead process."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from actors.workers.attempts import AttemptFold
from actors.workers.door import BrowserDoor
from actors.workers.reporter import Reporter, persistently
from actors.workers.suite_session import SuiteSession
from actors.workers.suite_worker import (
    SuiteWorker,
    TestFinished,
    TestStarted,
    WorkerEvent,
    WorkerLost,
    WorkerStopped,
)
from actors.workers.worker_browsers import WorkerBrowsers
from harness.domain.attempt import AttemptResult, Verdict
from harness.domain.ids import AttemptId
from harness.domain.work import Batch, Grant
from harness.errors import HarnessError
from harness.events.facts import Fact
from harness.ports.browsers import BrowserPool
from harness.ports.dispatch import Dispatch

AHEAD = 2
"""A worker with fewer tests than this waiting asks for more: pytest must know the next test."""
LATER_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Pauses of a worker that waits for others, whose failed tests it may have to attempt again."""


@dataclass(slots=True)
class WorkerLoop:
    """Feeds one worker until the scheduler has nothing more for it."""

    name: str
    grant: Grant
    dispatch: Dispatch
    session: SuiteSession
    reporter: Reporter
    fold: AttemptFold
    have: Mapping[str, set[AttemptId]]
    """Unfinished attempts of every worker of the lease."""
    pool: BrowserPool
    door: BrowserDoor
    _given: deque[tuple[AttemptId, int]] = field(default_factory=deque)
    _running: tuple[AttemptId, int] | None = None
    _since: float = 0.0
    _overdue: bool = False
    _is_last: bool = False
    """The present process was told that nothing follows."""
    _stopped: bool = False
    """The suite itself asked to stop."""
    _browsers: WorkerBrowsers | None = None
    """Of the present process."""

    async def run(self) -> None:
        """Work until the scheduler has nothing left and expects nothing more."""
        pauses = 0
        generation = 0
        while not self._stopped:
            if not self._given:
                await self.reporter.flush()
                batch = await self._ask()
                if not batch.attempts and not batch.more_later:
                    return
                if not batch.attempts:
                    await asyncio.sleep(LATER_SECONDS[min(pauses, len(LATER_SECONDS) - 1)])
                    pauses += 1
                    continue
            pauses = 0
            generation += 1
            worker = await self.session.open_worker(f"{self.name}.{generation}")
            browsers = self._browsers_of(worker)
            self.door.admit(worker.name, browsers.lease)
            try:
                await self._feed(worker, browsers)
            finally:
                worker.kill("closed")
                self.door.dismiss(worker.name)
                await browsers.close()
        self._cancel_given()

    def _browsers_of(self, worker: SuiteWorker) -> WorkerBrowsers:
        prefix = f"{self.grant.lease.id}/{worker.name}"
        tenant = self.grant.run.scope.tenant
        folder = str(self.session.temporary)
        self._browsers = WorkerBrowsers(self.pool, tenant, worker, folder, prefix, self._observe)
        return self._browsers

    async def _observe(self, fact: Fact) -> None:
        # Nothing depends on it, so it must hold nothing up.
        with contextlib.suppress(HarnessError):
            await self.dispatch.observed(self.grant.lease.id, [fact])

    async def _feed(self, worker: SuiteWorker, browsers: WorkerBrowsers) -> None:
        self._is_last = False
        worker.run([index for _, index in self._given])
        await self._refill(worker)
        async for event in self._events(worker):
            match event:
                case TestStarted(index):
                    self._begin(index)
                case TestFinished(index, outcome):
                    attempt_id = self._end(index)
                    prefix = f"tests/{index}/{attempt_id[-6:]}"
                    result = await self._folded(outcome, prefix)
                    if result.verdict is Verdict.FAILED and (end := await browsers.lost()):
                        # It failed because its browser ended, which may say nothing about it.
                        lost = WorkerLost(None, f"browser_{end}")
                        result = self.fold.lost(lost, result.seconds)
                    self._report(attempt_id, result)
                    await self._refill(worker)
                case WorkerStopped():
                    self._stopped = True
                    self._cancel_given()
                case WorkerLost():
                    self._lose(event)
                    return

    async def _events(self, worker: SuiteWorker) -> AsyncIterator[WorkerEvent]:
        """The worker's events; kills it when a test is overdue."""
        events = worker.events()
        while True:
            pending = asyncio.ensure_future(anext(events, None))
            while not (await asyncio.wait([pending], timeout=self._left()))[0]:
                if self._left() == 0:
                    self._overdue = True
                    worker.kill("test_overdue")
            event = pending.result()
            if event is None:
                return
            yield event

    def _left(self) -> float | None:
        """Seconds until the running test may be overdue; waiting for a browser does not count."""
        if self._running is None or self._overdue:
            return None
        now = asyncio.get_running_loop().time()
        waited = self._browsers.waited_since(self._since) if self._browsers else 0.0
        return max(0.0, self._since + self.grant.test_seconds + waited - now)

    async def _folded(self, outcome: Mapping[str, object], prefix: str) -> AttemptResult:
        if outcome["files"]:
            return await asyncio.to_thread(self.fold.finished, outcome, prefix)
        return self.fold.finished(outcome, prefix)

    async def _refill(self, worker: SuiteWorker) -> None:
        while not self._is_last and len(self._given) < AHEAD:
            batch = await self._ask()
            if batch.attempts:
                worker.run([index for _, index in batch.attempts])
            else:
                self._is_last = True
                worker.finish()

    async def _ask(self) -> Batch:
        have = {*self.reporter.unsent, *(i for ids in self.have.values() for i in ids)}
        lease_id = self.grant.lease.id
        batch = await persistently(lambda: self.dispatch.next_batch(lease_id, self.name, have))
        self._given.extend(batch.attempts)
        self.have[self.name].update(attempt_id for attempt_id, _ in batch.attempts)
        return batch

    def _begin(self, index: int) -> None:
        self._running = next((pair for pair in self._given if pair[1] == index), None)
        self._since = asyncio.get_running_loop().time()

    def _end(self, index: int) -> AttemptId:
        pair = next(pair for pair in self._given if pair[1] == index)
        self._given.remove(pair)
        self._running = None
        return pair[0]

    def _report(self, attempt_id: AttemptId, result: AttemptResult) -> None:
        self.reporter.add(attempt_id, result)
        self.have[self.name].discard(attempt_id)

    def _lose(self, lost: WorkerLost) -> None:
        """The running test pays; the ones that waited go to the next process."""
        if self._running is None:
            if not self._given:
                return
            # Between two tests: the next one was about to begin.
            self._running = self._given[0]
        attempt_id, index = self._running
        seconds = asyncio.get_running_loop().time() - self._since if self._since else 0.0
        result = (
            self.fold.overdue(self.grant.test_seconds)
            if self._overdue
            else self.fold.lost(lost, seconds)
        )
        self._overdue = False
        self._end(index)
        self._report(attempt_id, result)

    def _cancel_given(self) -> None:
        for attempt_id, _ in self._given:
            self._report(attempt_id, AttemptResult(Verdict.CANCELLED, worker=self.name))
        self._given.clear()
