"""The browsers of one node: starts what the roster decides, hands out leases, ends the worn."""

import asyncio
import logging
import shutil
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.pools.browser import Browser, BrowserBounds
from actors.pools.roster import BrowserState, End, Give, PoolLimits, Roster, Start
from harness.domain.browser import (
    BrowserEnd,
    BrowserKind,
    BrowserLease,
    BrowserPoolStatus,
    BrowserRequest,
)
from harness.domain.ids import LeaseId
from harness.errors import HarnessError
from harness.ports.entropy import Entropy

_log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
ASK_SECONDS = 1.0
WATCH_SECONDS = 5.0
REMEMBERED = 1_000
"""Ends of leases that may still be asked for."""


@dataclass(slots=True)
class BrowserHost:
    """Owns every browser of its node; satisfies `BrowserPool`."""

    limits: PoolLimits
    bounds: BrowserBounds
    scratch: Path
    entropy: Entropy
    _roster: Roster = field(init=False)
    _browsers: dict[str, Browser] = field(default_factory=dict)
    _requests: dict[LeaseId, BrowserRequest] = field(default_factory=dict)
    _settled: "dict[LeaseId, asyncio.Future[BrowserLease]]" = field(default_factory=dict)
    """The answer to each request."""
    _ends: "dict[LeaseId, asyncio.Future[BrowserLease]]" = field(default_factory=dict)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    _ticking: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        """Whatever a former life left in the scratch folder goes first."""
        self._roster = Roster(self.limits)
        shutil.rmtree(self.scratch, ignore_errors=True)

    async def lease(self, request: BrowserRequest) -> BrowserLease:
        """See `BrowserPool.lease`."""
        self._tick()
        lease_id = request.lease_id
        if lease_id not in self._settled:
            loop = asyncio.get_running_loop()
            self._requests[lease_id] = request
            self._settled[lease_id], self._ends[lease_id] = (
                loop.create_future(),
                loop.create_future(),
            )
            self._roster.ask(lease_id, request.kind)
            self._act()
            self._forget()
        await asyncio.wait([self._settled[lease_id]], timeout=ASK_SECONDS)
        if self._settled[lease_id].done():
            return self._settled[lease_id].result()
        return BrowserLease(place=self._roster.place(lease_id))

    async def watch(self, lease_id: LeaseId) -> BrowserLease:
        """See `BrowserPool.watch`."""
        end = self._ends.get(lease_id)
        if end is None:
            return BrowserLease(end=BrowserEnd.UNKNOWN)
        self._roster.heard(lease_id, self._now)
        await asyncio.wait([end], timeout=WATCH_SECONDS)
        return end.result() if end.done() else BrowserLease()

    async def check(self, lease_id: LeaseId) -> BrowserLease:
        """See `BrowserPool.check`."""
        end, held = self._ends.get(lease_id), self._roster.held_by(lease_id)
        if end and held and not self._browsers[held.id].lives:
            await asyncio.wait([end], timeout=WATCH_SECONDS)
        if end is None or end.done():
            return end.result() if end else BrowserLease(end=BrowserEnd.UNKNOWN)
        return BrowserLease()

    async def release(self, lease_id: LeaseId) -> None:
        """See `BrowserPool.release`."""
        self._roster.give_up(lease_id)
        held = self._roster.held_by(lease_id)
        if held:
            self._browsers[held.id].parted.set()
        else:
            self._finish(lease_id, BrowserEnd.RELEASED)

    async def expect(self, kind: BrowserKind, count: int) -> None:
        """See `BrowserPool.expect`."""
        self._tick()
        self._roster.expect(kind, count)
        self._act()

    async def status(self) -> BrowserPoolStatus:
        """See `BrowserPool.status`."""
        entries = self._roster.browsers.values()
        states = {str(s): sum(b.state is s for b in entries) for s in BrowserState}
        pss = await asyncio.gather(*(browser.memory() for browser in self._browsers.values()))
        return BrowserPoolStatus(states, len(self._roster.waiting), self.limits.most, tuple(pss))

    async def close(self) -> None:
        """End every browser."""
        if self._ticking:
            self._ticking.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for browser in self._browsers.values():
            await browser.stop()
        await asyncio.to_thread(shutil.rmtree, self.scratch, True)

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _tick(self) -> None:
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick_for_ever())

    async def _tick_for_ever(self) -> None:
        while True:
            self._act()
            for browser in list(self._browsers.values()):
                await browser.outgrown()
            await asyncio.sleep(TICK_SECONDS)

    def _act(self) -> None:
        """Carry out what the roster decides."""
        for decision in self._roster.decide(self._now):
            match decision:
                case Start(browser_id, kind):
                    self._browsers[browser_id] = Browser(
                        kind, self.scratch / browser_id, self.bounds
                    )
                    self._spawn(self._live(browser_id))
                case Give(browser_id, lease_id):
                    self._spawn(self._serve(browser_id, lease_id))
                case End(browser_id, lease_id):
                    if lease_id:
                        self._finish(lease_id, BrowserEnd.EXPIRED)
                    self._browsers[browser_id].over.set()

    async def _live(self, browser_id: str) -> None:
        """A browser's whole life."""
        browser = self._browsers[browser_id]
        try:
            await browser.start()
            self._roster.started(browser_id, self._now)
            self._act()
            await browser.over.wait()
        except HarnessError as failed:
            self._refuse(browser.kind, str(failed))
        held = self._roster.browsers[browser_id].lease_id
        self._roster.ending(browser_id, self._now)
        reason = await browser.stop()
        if held:
            self._finish(held, reason)
        await browser.clear()
        del self._browsers[browser_id]
        self._roster.gone(browser_id)
        self._act()

    async def _serve(self, browser_id: str, lease_id: LeaseId) -> None:
        """One lease, from its grant to the moment its browser can serve another."""
        browser = self._browsers[browser_id]
        try:
            endpoint = await browser.lend(self.entropy.secret(), self._requests[lease_id].cwd)
        except HarnessError:
            browser.over.set()
            return
        settled = self._settled[lease_id]
        if not settled.done():
            settled.set_result(BrowserLease(endpoint))
        await browser.parted.wait()
        if browser.over.is_set():
            return
        clean = await browser.take_back()
        self._finish(lease_id, BrowserEnd.RELEASED)
        browser.parted.clear()
        pss = await browser.memory()
        self._roster.released(lease_id, self._now, pss_bytes=pss, clean=clean)
        if self._roster.browsers[browser_id].state is BrowserState.ENDING:
            browser.over.set()
        self._act()

    def _refuse(self, kind: BrowserKind, message: str) -> None:
        """Whoever waited for the browser that could not be started hears why."""
        waiting = (i for i, wanted in self._roster.waiting.items() if wanted == kind)
        lease_id = next(waiting, None)
        if lease_id:
            self._roster.give_up(lease_id)
            self._finish(lease_id, BrowserEnd.UNKNOWN, message)

    def _finish(self, lease_id: LeaseId, end: BrowserEnd, message: str = "") -> None:
        for future in (self._ends.get(lease_id), self._settled.get(lease_id)):
            if future and not future.done():
                future.set_result(BrowserLease(end=end, message=message))

    def _forget(self) -> None:
        ended = [lease_id for lease_id, end in self._ends.items() if end.done()]
        for lease_id in ended[:-REMEMBERED]:
            del self._requests[lease_id], self._settled[lease_id], self._ends[lease_id]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            _log.error("the browser pool stumbled", exc_info=task.exception())
