"""A worker's browsers: leased in turn, watched, and never worth a hanging test."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from actors.workers.suite_worker import SuiteWorker
from actors.workers.worker_browsers import WorkerBrowsers, kind_of
from harness.domain.browser import (
    BrowserEnd,
    BrowserLease,
    BrowserPoolStatus,
    BrowserRequest,
)
from harness.domain.ids import LeaseId, TenantId
from harness.errors import InvalidInput, Unavailable
from harness.events.facts import BrowserAwaited, BrowserLost, Fact

pytestmark = pytest.mark.anyio

WISH = {"worker": "w1", "argv": ["/chromium", "--headless"], "env": [["TZ", "UTC"]]}
OPEN = BrowserLease(door="/door", token="t")


@dataclass(slots=True)
class FakePool:
    """Answers what it was told to; a lease ends when the test says so."""

    answers: deque[BrowserLease | Unavailable]
    end: "asyncio.Future[BrowserLease]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    asked: list[BrowserRequest] = field(default_factory=list)
    released: list[LeaseId] = field(default_factory=list)

    async def lease(self, request: BrowserRequest) -> BrowserLease:
        self.asked.append(request)
        answer = self.answers.popleft()
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    async def watch(self, lease_id: LeaseId) -> BrowserLease:
        return await asyncio.shield(self.end)

    async def check(self, lease_id: LeaseId) -> BrowserLease:
        return self.end.result() if self.end.done() else BrowserLease()

    async def release(self, lease_id: LeaseId) -> None:
        self.released.append(lease_id)

    async def status(self) -> BrowserPoolStatus:
        return BrowserPoolStatus()


class FakeWorker(SuiteWorker):
    """Remembers why it was killed."""

    def __init__(self) -> None:
        self.name = "w1"
        self.killed = asyncio.Event()
        self.why = ""

    def kill(self, why: str) -> None:
        self.why = why
        self.killed.set()


@dataclass(slots=True)
class World:
    pool: FakePool
    worker: FakeWorker
    facts: list[Fact] = field(default_factory=list)
    browsers: WorkerBrowsers = field(init=False)

    def __post_init__(self) -> None:
        self.browsers = WorkerBrowsers(
            self.pool, TenantId("t"), self.worker, "/tmp/x", "lease/w1", self.observe
        )

    async def observe(self, fact: Fact) -> None:
        self.facts.append(fact)


def world(*answers: BrowserLease | Unavailable) -> World:
    return World(FakePool(deque(answers)), FakeWorker())


async def test_browser_is_asked_for_the_tenant_of_the_run() -> None:
    here = world(OPEN)
    assert await here.browsers.lease(WISH) == OPEN
    (request,) = here.pool.asked
    assert request.kind == kind_of(WISH, TenantId("t"))
    await here.browsers.close()
    assert here.pool.released == [request.lease_id]


async def test_second_browser_of_a_worker_does_not_wait() -> None:
    here = world(OPEN)
    await here.browsers.lease(WISH)
    assert (await here.browsers.lease(WISH)).door == ""
    await here.browsers.close()


async def test_place_in_the_queue_is_an_event() -> None:
    here = world(BrowserLease(place=2), BrowserLease(place=2), BrowserLease(place=1), OPEN)
    await here.browsers.lease(WISH)
    assert here.facts == [BrowserAwaited("w1", 2), BrowserAwaited("w1", 1)]
    assert here.browsers.waited_since(0.0) >= 0.0
    await here.browsers.close()


async def test_start_of_a_browser_is_no_queue() -> None:
    here = world(BrowserLease(place=1, is_coming=True), OPEN)
    await here.browsers.lease(WISH)
    assert here.facts == []
    await here.browsers.close()


async def test_pool_that_restarts_is_asked_again_for_the_same_lease() -> None:
    here = world(Unavailable("gone"), OPEN)
    assert await here.browsers.lease(WISH) == OPEN
    first, second = here.pool.asked
    assert first == second
    await here.browsers.close()


async def test_worker_starts_its_own_when_the_pool_cannot() -> None:
    here = world(BrowserLease(end=BrowserEnd.UNKNOWN, message="no such file"))
    assert (await here.browsers.lease(WISH)).door == ""
    assert await here.browsers.lost() is None


@pytest.mark.parametrize("end", [BrowserEnd.CRASHED, BrowserEnd.MEMORY, BrowserEnd.EXPIRED])
async def test_worker_ends_with_its_browser(end: BrowserEnd) -> None:
    here = world(OPEN)
    await here.browsers.lease(WISH)
    here.pool.end.set_result(BrowserLease(end=end))
    await here.worker.killed.wait()
    assert here.worker.why == f"browser_{end}"
    assert await here.browsers.lost() is end
    await asyncio.sleep(0)
    assert here.facts == [BrowserLost("w1", str(end))]


async def test_browser_that_was_closed_is_not_lost() -> None:
    here = world(OPEN, OPEN)
    await here.browsers.lease(WISH)
    here.pool.end.set_result(BrowserLease(end=BrowserEnd.RELEASED))
    for _ in range(3):
        await asyncio.sleep(0)
    assert await here.browsers.lost() is None
    assert not here.worker.killed.is_set()
    assert await here.browsers.lease(WISH) == OPEN
    await here.browsers.close()


HOSTILE: Sequence[dict[str, Any]] = [
    {},
    {"argv": []},
    {"argv": ["/chromium"], "env": [["only one"]]},
    {"argv": ["/chromium"] * 1000, "env": []},
    {"argv": ["/chromium", "x" * 100_000], "env": []},
    {"argv": ["/chromium\0"], "env": []},
]


@pytest.mark.parametrize("wish", HOSTILE)
async def test_odd_wish_is_refused(wish: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        kind_of(wish, TenantId("t"))
    assert (await world().browsers.lease(wish)).door == ""
