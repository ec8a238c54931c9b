"""The browsers of one node: starts what the roster decides, hands out leases, ends the worn."""

import asyncio
import json
import logging
import shutil
from collections import Counter
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

STATUS = "status.json"
TICK_SECONDS = 0.5
DISK_SECONDS = 1.0
LATE_SECONDS = 5.0
ASK_SECONDS = 1.0
WATCH_SECONDS = 5.0
REMEMBERED = 1_000
"""Leases that ended and may still be asked for."""


@dataclass(slots=True, eq=False)
class Ticket:
    """What was promised to one request."""

    folder: str
    given: "asyncio.Future[BrowserLease]"
    """The lease, or why there is none."""
    end: "asyncio.Future[BrowserLease]"
    unwanted: asyncio.Event = field(default_factory=asyncio.Event)

    def finish(self, end: BrowserEnd, message: str = "") -> None:
        """It is over, unless it was already."""
        for future in (self.end, self.given):
            if not future.done():
                future.set_result(BrowserLease(end=end, message=message))


@dataclass(slots=True)
class BrowserHost:
    """Owns every browser of its node; satisfies `BrowserPool`."""

    limits: PoolLimits
    bounds: BrowserBounds
    scratch: Path
    entropy: Entropy
    _roster: Roster = field(init=False)
    _browsers: dict[str, Browser] = field(default_factory=dict)
    _tickets: dict[LeaseId, Ticket] = field(default_factory=dict)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    _told: dict[str, int] = field(default_factory=dict)
    _ticking: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        """Whatever a former life left in the scratch folder goes first."""
        self._roster = Roster(self.limits)
        shutil.rmtree(self.scratch, ignore_errors=True)

    async def lease(self, request: BrowserRequest) -> BrowserLease:
        """See `BrowserPool.lease`."""
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick_for_ever())
        ticket = self._tickets.get(request.lease_id) or self._enter(request)
        await asyncio.wait([ticket.given], timeout=ASK_SECONDS)
        if ticket.given.done():
            return ticket.given.result()
        lease_id = request.lease_id
        coming = self._roster.is_coming(lease_id)
        return BrowserLease(place=self._roster.place(lease_id), is_coming=coming)

    async def watch(self, lease_id: LeaseId) -> BrowserLease:
        """See `BrowserPool.watch`."""
        ticket = self._tickets.get(lease_id)
        if ticket is None:
            return BrowserLease(end=BrowserEnd.UNKNOWN)
        self._roster.heard(lease_id, self._now)
        await asyncio.wait([ticket.end], timeout=WATCH_SECONDS)
        return ticket.end.result() if ticket.end.done() else BrowserLease()

    async def check(self, lease_id: LeaseId) -> BrowserLease:
        """See `BrowserPool.check`."""
        ticket, held = self._tickets.get(lease_id), self._roster.held_by(lease_id)
        if ticket is None:
            return BrowserLease(end=BrowserEnd.UNKNOWN)
        if held and not self._browsers[held.id].lives:
            await asyncio.wait([ticket.end], timeout=WATCH_SECONDS)
        return ticket.end.result() if ticket.end.done() else BrowserLease()

    async def release(self, lease_id: LeaseId) -> None:
        """See `BrowserPool.release`."""
        ticket = self._tickets.get(lease_id)
        if ticket is None:
            return
        ticket.unwanted.set()
        self._roster.give_up(lease_id)
        if self._roster.held_by(lease_id) is None:
            ticket.finish(BrowserEnd.RELEASED)

    async def status(self) -> BrowserPoolStatus:
        """See `BrowserPool.status`."""
        entries = self._roster.browsers.values()
        states = {str(s): sum(b.state is s for b in entries) for s in BrowserState}
        pss = await asyncio.gather(*(browser.memory() for browser in self._browsers.values()))
        return BrowserPoolStatus(states, len(self._roster.waiting), self.limits.most, tuple(pss))

    async def close(self) -> None:
        """End every browser."""
        tasks = [*self._tasks, *([self._ticking] if self._ticking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(browser.stop() for browser in self._browsers.values()))
        await asyncio.to_thread(shutil.rmtree, self.scratch, True)

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _enter(self, request: BrowserRequest) -> Ticket:
        loop = asyncio.get_running_loop()
        ticket = Ticket(request.folder, loop.create_future(), loop.create_future())
        self._tickets[request.lease_id] = ticket
        self._roster.ask(request.lease_id, request.kind, request.quota)
        self._act()
        ended = [lease_id for lease_id, known in self._tickets.items() if known.end.done()]
        for lease_id in ended[:-REMEMBERED]:
            del self._tickets[lease_id]
        return ticket

    async def _tick_for_ever(self) -> None:
        looked = measured = self._now
        while True:
            if self._now > looked + LATE_SECONDS:
                # Who was held up itself must not call others silent.
                self._roster.hear_all(self._now)
            looked = self._now
            self._act()
            if self._now > measured + DISK_SECONDS:
                measured = self._now
                for browser in list(self._browsers.values()):
                    await browser.outgrown()
            self._tell()
            await asyncio.sleep(TICK_SECONDS)

    def _tell(self) -> None:
        """Leave a note for `ath status`, when something changed."""
        counts = Counter(str(browser.state) for browser in self._roster.browsers.values())
        note = {**counts, "waiting": len(self._roster.waiting), "most": self.limits.most}
        if note != self._told and self.scratch.is_dir():
            self._told = note
            (self.scratch / STATUS).write_text(json.dumps(note))

    def _act(self) -> None:
        """Carry out what the roster decides."""
        for decision in self._roster.decide(self._now):
            match decision:
                case Start(browser_id, kind):
                    folder = self.scratch / browser_id
                    self._browsers[browser_id] = Browser(kind, folder, self.bounds)
                    self._spawn(self._live(browser_id))
                case Give(browser_id, lease_id):
                    self._spawn(self._serve(browser_id, lease_id))
                case End(browser_id, lease_id):
                    if lease_id:
                        self._tickets[lease_id].finish(BrowserEnd.EXPIRED)
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
            self._tickets[held].finish(reason)
        await browser.clear()
        del self._browsers[browser_id]
        self._roster.gone(browser_id)
        self._act()

    async def _serve(self, browser_id: str, lease_id: LeaseId) -> None:
        """One lease, from its grant to the moment its browser can serve another."""
        browser, ticket = self._browsers[browser_id], self._tickets[lease_id]
        token = self.entropy.secret()
        try:
            door = await browser.lend(token, ticket.folder)
        except HarnessError:
            browser.over.set()
            return
        if not ticket.given.done():
            ticket.given.set_result(BrowserLease(door, token))
        await _first_of(browser.parted, ticket.unwanted)
        if browser.over.is_set():
            return
        clean = await browser.take_back()
        ticket.finish(BrowserEnd.CRASHED if browser.was_cut else BrowserEnd.RELEASED)
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
            self._tickets[lease_id].finish(BrowserEnd.UNKNOWN, message)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            _log.error("the browser pool stumbled", exc_info=task.exception())


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
