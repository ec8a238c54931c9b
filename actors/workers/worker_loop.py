"""One worker's life: ask for tests, hand them over, take results, replace a dead process."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

from actors.workers.attempts import AttemptFold, denials
from actors.workers.door import WorkerDoor
from actors.workers.reporter import Reporter, persistently
from actors.workers.steps_under_way import StepsUnderWay
from actors.workers.suite_session import SuiteSession
from actors.workers.suite_worker import (
    StepTold,
    SuiteWorker,
    TestFinished,
    TestStarted,
    WorkerLost,
    WorkerStopped,
)
from actors.workers.worker_agents import WorkerAgents
from actors.workers.worker_browsers import WorkerBrowsers
from harness.domain.attempt import ArtifactRef, AttemptResult, Verdict
from harness.domain.ids import AttemptId
from harness.domain.work import Grant
from harness.errors import Conflict, HarnessError
from harness.events.facts import Fact, SuiteNoted
from harness.ports.browsers import BrowserPool
from harness.ports.dispatch import Dispatch

AHEAD = 2
"""A worker with fewer tests than this asks for more: pytest must know the next test."""
QUICK_SECONDS, SLOW_SECONDS = 0.01, 0.05
MOST_SENT = 64
"""Tests that a process holds beside the one it runs, when tests are quick; one when they are slow.
What its process holds nobody can take from a worker any more."""
LATER_SECONDS = (0.02, 0.05, 0.1, 0.2)
"""Pauses of a worker that waits for others, whose tests it may take over or attempt again."""

Observe = Callable[[Fact], Awaitable[None]]
Running = Callable[[], tuple[AttemptId, int] | None]
AgentsOf = Callable[[str, Observe, Running], WorkerAgents]


@dataclass(slots=True)
class WorkerLoop:
    """Feeds one worker until the scheduler has nothing more for it."""

    name: str
    grant: Grant
    dispatch: Dispatch
    session: SuiteSession
    reporter: Reporter
    fold: AttemptFold
    siblings: "MutableMapping[str, WorkerLoop]"
    """Every worker of the lease by its name; this one joins them."""
    pool: BrowserPool
    door: WorkerDoor
    agents_of: AgentsOf
    _waiting: deque[tuple[AttemptId, int]] = field(default_factory=deque)
    """Given, but not sent to the process yet."""
    _sent: deque[tuple[AttemptId, int]] = field(default_factory=deque)
    _folding: set[AttemptId] = field(default_factory=set)
    """Ended, and on their way to the reporter."""
    _room: int = AHEAD
    """How many tests the process may hold."""
    _running: tuple[AttemptId, int] | None = None
    _since: float = 0.0
    _overdue: bool = False
    _steps: StepsUnderWay = field(default_factory=StepsUnderWay)
    """Of the running test."""
    _alarm: asyncio.TimerHandle | None = None
    """Goes off when the running test may be overdue."""
    _is_last: bool = False
    """The present process was told that nothing follows."""
    _stopped: bool = False
    """The suite itself asked to stop."""
    _browsers: WorkerBrowsers | None = None
    """Of the present process."""

    def __post_init__(self) -> None:
        """Become one of the lease's workers."""
        self.siblings[self.name] = self

    @property
    def held(self) -> set[AttemptId]:
        """Attempts that were given and have not ended."""
        return {*self._folding, *(attempt_id for attempt_id, _ in (*self._sent, *self._waiting))}

    def give_up_half(self) -> Sequence[tuple[AttemptId, int]]:
        """The later half of what waits here, for a worker that has nothing; often none.

        Tests of a serial group stay with the tests of the group that this worker holds.
        """
        groups = {index: self.session.serial_group(index) for _, index in self._waiting}
        kept = max(len(self._waiting) // 2, AHEAD - len(self._sent))
        mine = {self.session.serial_group(index) for _, index in self._sent}
        mine |= {groups[index] for _, index in list(self._waiting)[:kept]}
        mine.discard(None)
        gone = [pair for pair in list(self._waiting)[kept:] if groups[pair[1]] not in mine]
        for pair in gone:
            self._waiting.remove(pair)
        return gone

    async def run(self) -> None:
        """Work until the scheduler has nothing left and expects nothing more."""
        pauses = 0
        generation = 0
        while not self._stopped:
            if not self._waiting:
                await self.reporter.flush()
                more_later = await self._get_more()
                if not self._waiting and not more_later:
                    return
                if not self._waiting:
                    await asyncio.sleep(LATER_SECONDS[min(pauses, len(LATER_SECONDS) - 1)])
                    pauses += 1
                    continue
            pauses = 0
            generation += 1
            try:
                worker = await self.session.open_worker(f"{self.name}.{generation}")
            except Conflict as alone:
                await self._leave_to_another(alone)
                return
            browsers = self._browsers_of(worker)
            agents = self.agents_of(worker.name, self._observe, lambda: self._running)
            lend = agents.models.lend if agents.models else None
            self.door.admit(worker.name, browsers.lease, agents.attend, lend)
            try:
                await self._feed(worker, browsers, agents)
            finally:
                self._quiet()
                worker.kill("closed")
                self.door.dismiss(worker.name)
                await agents.close()
                await browsers.close()
        self._cancel_given()

    def _browsers_of(self, worker: SuiteWorker) -> WorkerBrowsers:
        prefix = f"{self.grant.lease.id}/{worker.name}"
        tenant = self.grant.run.scope.tenant
        folder = str(self.session.temporary)
        self._browsers = WorkerBrowsers(
            self.pool, tenant, worker, folder, prefix, self._observe, self.grant.browsers
        )
        return self._browsers

    async def _observe(self, fact: Fact) -> None:
        await self._tell([fact])

    async def _tell(self, facts: Sequence[Fact]) -> None:
        # Nothing depends on it, so it must hold nothing up.
        with contextlib.suppress(HarnessError):
            if facts:
                await self.dispatch.observed(self.grant.lease.id, facts)

    async def _feed(
        self, worker: SuiteWorker, browsers: WorkerBrowsers, agents: WorkerAgents
    ) -> None:
        self._is_last = False
        await self._refill(worker)
        async for event in worker.events():
            match event:
                case TestStarted(index):
                    self._begin(index, worker)
                case StepTold(told):
                    self._steps.take(told)
                case TestFinished(index, outcome):
                    attempt_id = self._end(index)
                    prefix = _prefix(attempt_id, index)
                    result = await self._folded(outcome, prefix)
                    result = _with(result, await agents.taken(prefix))
                    if result.verdict is Verdict.FAILED and (end := await browsers.lost()):
                        # It failed because its browser ended, which may say nothing about it.
                        lost = WorkerLost(None, f"browser_{end}")
                        result = self.fold.lost(lost, result.seconds)
                    await self._tell(denials(outcome, attempt_id, index))
                    self._report(attempt_id, result)
                    await self._refill(worker)
                case WorkerStopped():
                    self._stopped = True
                    self._cancel_given()
                case WorkerLost():
                    await self._lose(event, agents)
                    return

    def _watch(self, worker: SuiteWorker) -> None:
        """Kill the worker when its test is overdue; look again when it may be."""
        left = self._left()
        if left is None:
            return
        if left == 0:
            self._overdue = True
            worker.kill("test_overdue")
            return
        self._alarm = asyncio.get_running_loop().call_later(left, self._watch, worker)

    def _quiet(self) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = None

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
        self._send(worker)
        while not self._is_last and len(self._sent) < AHEAD:
            await self._get_more()
            if self._waiting:
                self._send(worker)
            else:
                self._is_last = True
                worker.finish()

    async def _leave_to_another(self, why: Conflict) -> None:
        """Hand everything to a worker that has a process.

        Raises:
            Conflict: there is none.
        """
        able = next((loop for loop in self.siblings.values() if loop._sent), None)
        if able is None:
            raise why
        able._waiting.extend(self._waiting)
        self._waiting.clear()
        note = SuiteNoted(f"{why} One worker executes all of it.")
        await persistently(lambda: self.dispatch.observed(self.grant.lease.id, [note]))

    def _send(self, worker: SuiteWorker) -> None:
        if self._is_last or len(self._sent) > self._room // 2:
            return
        count = min(self._room - len(self._sent), len(self._waiting))
        passed = [self._waiting.popleft() for _ in range(count)]
        if passed:
            self._sent.extend(passed)
            worker.run([index for _, index in passed])

    async def _get_more(self) -> bool:
        """Ask the scheduler, then the other workers; whether asking later may give more."""
        have = {*self.reporter.unsent, *(i for loop in self.siblings.values() for i in loop.held)}
        lease_id = self.grant.lease.id
        batch = await persistently(lambda: self.dispatch.next_batch(lease_id, self.name, have))
        self._waiting.extend(batch.attempts)
        if not self._waiting and batch.more_later:
            richest = max(self.siblings.values(), key=lambda loop: len(loop._waiting))
            self._waiting.extend(richest.give_up_half())
        return batch.more_later

    def _begin(self, index: int, worker: SuiteWorker) -> None:
        self._running = next((pair for pair in self._sent if pair[1] == index), None)
        self._since = asyncio.get_running_loop().time()
        self._steps = StepsUnderWay()
        self._watch(worker)

    def _end(self, index: int) -> AttemptId:
        pair = next(pair for pair in self._sent if pair[1] == index)
        self._sent.remove(pair)
        self._folding.add(pair[0])
        self._running = None
        self._quiet()
        took = asyncio.get_running_loop().time() - self._since
        if took < QUICK_SECONDS:
            self._room = min(2 * self._room, MOST_SENT)
        elif took > SLOW_SECONDS:
            self._room = AHEAD
        return pair[0]

    async def _lose(self, lost: WorkerLost, agents: WorkerAgents) -> None:
        """The running test pays; the ones that waited go to the next process."""
        if self._running is None:
            if not self._sent:
                return
            # Between two tests: the next one was about to begin.
            self._running = self._sent[0]
        attempt_id, index = self._running
        seconds = asyncio.get_running_loop().time() - self._since if self._since else 0.0
        steps = self._steps.steps()
        result = (
            self.fold.overdue(self.grant.test_seconds, steps)
            if self._overdue
            else self.fold.lost(lost, seconds, steps)
        )
        self._overdue = False
        self._end(index)
        await agents.stop()
        self._report(attempt_id, _with(result, await agents.taken(_prefix(attempt_id, index))))
        self._take_back()
        if lost.why == "browser_queue":
            self._step_aside()

    def _step_aside(self) -> None:
        """Leave what waits to a worker that has a browser; there may be no second one."""
        others = [loop for loop in self.siblings.values() if loop is not self]
        able = next((o for o in others if o._browsers and o._browsers.has_one), None)
        if able:
            able._waiting.extend(self._waiting)
            self._waiting.clear()
            self._stopped = True

    def _report(self, attempt_id: AttemptId, result: AttemptResult) -> None:
        self.reporter.add(attempt_id, result)
        self._folding.discard(attempt_id)

    def _take_back(self) -> None:
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()

    def _cancel_given(self) -> None:
        self._take_back()
        for attempt_id, _ in self._waiting:
            self.reporter.add(attempt_id, AttemptResult(Verdict.CANCELLED, worker=self.name))
        self._waiting.clear()


def _prefix(attempt_id: AttemptId, index: int) -> str:
    return f"tests/{index}/{attempt_id[-6:]}"


def _with(result: AttemptResult, more: Sequence[ArtifactRef]) -> AttemptResult:
    return replace(result, artifacts=(*result.artifacts, *more)) if more else result
