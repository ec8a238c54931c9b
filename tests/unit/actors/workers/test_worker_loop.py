"""Workers of one lease: what they send, report, and take from each other."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from actors.workers.attempts import AttemptFold
from actors.workers.door import WorkerDoor
from actors.workers.reporter import Reporter
from actors.workers.suite_worker import (
    TestFinished,
    TestStarted,
    WorkerEvent,
    WorkerLost,
)
from actors.workers.worker_loop import MOST_SENT, WorkerLoop
from harness.domain.attempt import ArtifactRef, Verdict
from harness.domain.browser import BrowserLease, BrowserRequest
from harness.domain.ids import AttemptId, HostId, LeaseId
from harness.domain.lease import Lease
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.work import Batch, Grant, Report
from harness.errors import Conflict
from harness.events.facts import Fact, PolicyDenied, SuiteNoted
from tests.support.samples import NOON, a_run

if TYPE_CHECKING:
    from actors.workers.suite_session import SuiteSession
    from actors.workers.worker_agents import WorkerAgents
    from harness.ports.artifacts import ArtifactStore
    from harness.ports.browsers import BrowserPool
    from harness.ports.dispatch import Dispatch

PASSED = {
    "phases": [{"name": "call", "outcome": "passed", "seconds": 0.0}],
    "sections": [],
    "properties": [],
    "files": [],
}


@dataclass
class FakeProcess:
    """A suite's process: runs a test when its successor is known, or none follows."""

    house: "House"
    name: str = ""
    held: list[int] = field(default_factory=list)
    most: int = 0
    is_last: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def run(self, indexes: Sequence[int]) -> None:
        self.held.extend(indexes)
        self.most = max(self.most, len(self.held))
        self.changed.set()

    def finish(self) -> None:
        self.is_last = True
        self.changed.set()

    def kill(self, why: str) -> None:
        """Nothing is left of it."""

    async def events(self) -> AsyncIterator[WorkerEvent]:
        while True:
            while len(self.held) < 2 and not self.is_last:
                self.changed.clear()
                await self.changed.wait()
            if not self.held:
                return
            index = self.held[0]
            yield TestStarted(index)
            await self.house.during(index)
            why = self.house.kills.pop(index, None)
            if why is not None:
                yield WorkerLost(-9, why)
                return
            self.held.pop(0)
            yield TestFinished(index, {**PASSED, **self.house.told.get(index, {})})


class OneBrowser:
    """A pool whose only browser nobody gives back."""

    async def lease(self, request: BrowserRequest) -> BrowserLease:
        return BrowserLease(door="/door", token="t")

    async def watch(self, lease_id: LeaseId) -> BrowserLease:
        await asyncio.Event().wait()
        return BrowserLease()

    async def check(self, lease_id: LeaseId) -> BrowserLease:
        return BrowserLease()

    async def release(self, lease_id: LeaseId) -> None:
        """It is never leased again."""


class NoAgents:
    """Nobody wants one."""

    models = None

    async def attend(self, found: object, archive: bytes, say: object) -> None:
        raise AssertionError

    async def taken(self, prefix: str) -> Sequence[ArtifactRef]:
        return ()

    async def stop(self) -> None:
        """Nothing runs."""

    async def close(self) -> None:
        """Nothing was opened."""


@dataclass
class House:
    """A scheduler that gives the batches of each worker, and a session of fake processes."""

    batches: Mapping[str, list[list[int]]]
    gates: dict[int, asyncio.Event] = field(default_factory=dict)
    """Tests that end only when somebody lets them."""
    groups: Mapping[int, str] = field(default_factory=dict)
    kills: dict[int, str] = field(default_factory=dict)
    results: dict[str, Verdict] = field(default_factory=dict)
    by: dict[int, str] = field(default_factory=dict)
    processes: dict[str, FakeProcess] = field(default_factory=dict)
    workers: dict[str, WorkerLoop] = field(default_factory=dict)
    more_later: bool = True
    is_alone: bool = False
    facts: list[Fact] = field(default_factory=list)
    browses: int = -1
    """Test that leases a browser."""
    leased: asyncio.Event = field(default_factory=asyncio.Event)
    told: dict[int, dict[str, object]] = field(default_factory=dict)
    """What processes say of tests besides that they passed."""
    temporary: Path = Path("nowhere")
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.all = {i for batches in self.batches.values() for batch in batches for i in batch}

    async def next_batch(self, lease: LeaseId, worker: str, have: Collection[AttemptId]) -> Batch:
        left = self.batches[worker]
        given = left.pop(0) if left else []
        open_ = len(self.results) < len(self.all)
        return Batch(tuple((_id(i), i) for i in given), more_later=self.more_later and open_)

    async def report(self, report: Report) -> None:
        for attempt_id, result in report.results.items():
            assert attempt_id not in self.results
            self.results[attempt_id] = result.verdict
            self.by[int(attempt_id.removeprefix("attempt"))] = result.worker
        self.heard.set()

    async def reported(self, count: int) -> None:
        """Return when so many tests were reported."""
        while len(self.by) < count:
            self.heard.clear()
            await self.heard.wait()

    async def observed(self, lease: LeaseId, facts: Sequence[Fact]) -> None:
        self.facts += facts

    async def open_worker(self, name: str) -> FakeProcess:
        if self.is_alone and self.processes:
            raise Conflict("other ids")
        self.processes[name] = FakeProcess(self, name)
        return self.processes[name]

    def serial_group(self, index: int) -> str | None:
        return self.groups.get(index)

    async def during(self, index: int) -> None:
        await asyncio.sleep(0)
        if index == self.browses:
            browsers = self.workers["w2"]._browsers
            assert browsers is not None
            await browsers.lease({"argv": ["/chromium"], "env": []})
            self.leased.set()
        if index in self.gates:
            await self.gates[index].wait()

    async def work(self) -> None:
        """Run every worker to its end."""
        reporter = Reporter(cast("Dispatch", self), LeaseId("lease"))
        sending = asyncio.create_task(reporter.run())
        loops = [self._loop(name, reporter) for name in self.batches]
        try:
            await asyncio.wait_for(asyncio.gather(*(loop.run() for loop in loops)), 10)
            await reporter.flush()
        finally:
            sending.cancel()
        assert set(self.results) == {_id(index) for index in self.all}

    def _loop(self, name: str, reporter: Reporter) -> WorkerLoop:
        lease = Lease(LeaseId("lease"), a_run().id, HostId("here"), 1, NOON)
        return WorkerLoop(
            name=name,
            grant=Grant(lease, a_run(), 2, 60.0),
            dispatch=cast("Dispatch", self),
            session=cast("SuiteSession", self),
            reporter=reporter,
            fold=AttemptFold(DEFAULT_SCOPE, cast("ArtifactStore", None), name, 0),
            siblings=self.workers,
            pool=cast("BrowserPool", OneBrowser()),
            door=WorkerDoor(Path("never-opened")),
            agents_of=lambda *given: cast("WorkerAgents", NoAgents()),
        )


def _id(index: int) -> AttemptId:
    return AttemptId(f"attempt{index}")


async def test_worker_without_tests_takes_over_those_behind_a_long_one() -> None:
    gate = asyncio.Event()
    house = House({"w1": [list(range(10))], "w2": [[10]]}, gates={0: gate})
    working = asyncio.create_task(house.work())
    # Only what w1's process holds stays behind the long test: itself and its successor.
    await house.reported(9)
    gate.set()
    await working
    assert {index for index, worker in house.by.items() if worker == "w1"} == {0, 1}


async def test_tests_of_a_serial_group_stay_together() -> None:
    gate = asyncio.Event()
    groups = dict.fromkeys((0, 1, 2, 9), "till")
    house = House({"w1": [list(range(10))], "w2": [[10]]}, gates={0: gate}, groups=groups)
    working = asyncio.create_task(house.work())
    await house.reported(7)
    gate.set()
    await working
    assert {house.by[index] for index in (0, 1, 2, 9)} == {"w1"}
    assert {house.by[index] for index in (5, 6, 7, 8)} == {"w2"}


async def test_process_holds_more_tests_the_quicker_they_are() -> None:
    house = House({"w1": [list(range(500))]})
    await house.work()
    assert house.processes["w1.1"].most == MOST_SENT


async def test_tests_that_waited_in_a_killed_process_are_run_by_the_next() -> None:
    house = House({"w1": [list(range(100))]}, kills={50: ""})
    await house.work()
    assert house.results[_id(50)] is Verdict.ERRORED
    assert set(house.processes) == {"w1.1", "w1.2"}
    assert list(house.results.values()).count(Verdict.PASSED) == 99


async def test_worker_that_gets_no_browser_leaves_its_tests_to_one_that_has_some() -> None:
    gate = asyncio.Event()
    house = House({"w1": [list(range(9))], "w2": [[9]]}, kills={0: "browser_queue"}, browses=9)
    house.gates = {0: house.leased, 9: gate}
    working = asyncio.create_task(house.work())
    await house.reported(1)
    gate.set()
    await working
    assert house.results[_id(0)] is Verdict.ERRORED
    assert {house.by[index] for index in range(1, 10)} == {"w2"}
    assert "w1.2" not in house.processes


async def test_scheduler_that_wants_no_more_is_obeyed() -> None:
    gate = asyncio.Event()
    house = House({"w1": [list(range(4))], "w2": [[4]]}, gates={0: gate}, more_later=False)
    working = asyncio.create_task(house.work())
    await house.reported(1)
    gate.set()
    await working
    assert {house.by[index] for index in range(4)} == {"w1"}


async def test_suite_that_cannot_be_spread_is_executed_by_one_worker_with_a_note() -> None:
    gate = asyncio.Event()
    house = House({"w1": [[0, 1, 2]], "w2": [[3, 4, 5]]}, gates={0: gate}, is_alone=True)
    working = asyncio.create_task(house.work())
    while not house.facts:  # noqa: ASYNC110  # nothing else tells it
        await asyncio.sleep(0)
    gate.set()
    await working
    assert set(house.by.values()) == {"w1"}
    assert house.facts == [SuiteNoted("other ids One worker executes all of it.")]


async def test_what_a_policy_refused_becomes_events_of_the_run() -> None:
    denied = {"host": "b.example", "port": 443, "reason": "not named"}
    house = House({"w1": [[0, 1]]}, told={1: {"denied": [denied]}})
    await house.work()
    assert house.facts == [PolicyDenied("b.example", 443, "not named", _id(1), 1)]
