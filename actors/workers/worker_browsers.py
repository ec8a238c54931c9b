"""The browsers that one worker's process leases from the pool of its node."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.domain.browser import (
    BrowserEnd,
    BrowserKind,
    BrowserLease,
    BrowserQuota,
    BrowserRequest,
)
from harness.domain.ids import LeaseId, TenantId
from harness.errors import InvalidInput, Unavailable
from harness.events.facts import BrowserAwaited, BrowserLost, Fact
from harness.ports.browsers import BrowserPool

PATIENCE_SECONDS = 20.0
"""How long a pool may be away before a worker starts a browser of its own."""
QUEUE_SECONDS = 150.0
"""A worker that waited so long is ended; Playwright would give up a little later."""
RETRY_SECONDS = 0.2
_WORDS = 64 * 1024
_MANY = 500


class Holder(Protocol):
    """Whoever has the browsers."""

    @property
    def name(self) -> str:
        """For events."""
        ...

    def kill(self, why: str) -> None:
        """A browser of it is lost, or none came."""
        ...


@dataclass(slots=True)
class WorkerBrowsers:
    """Leases for one process; ends the process when a browser of its own is lost."""

    pool: BrowserPool
    tenant: TenantId
    worker: Holder
    folder: str
    """Where its launchers keep downloads."""
    prefix: str
    """Of its leases; no other process has the same."""
    observe: Callable[[Fact], Awaitable[None]]
    quota: BrowserQuota = field(default_factory=BrowserQuota)
    _watching: "dict[LeaseId, asyncio.Task[None]]" = field(default_factory=dict)
    _waits: list[tuple[float, float]] = field(default_factory=list)
    """When it waited in the pool's queue, from and until."""
    _numbers: int = 0

    async def lease(self, wish: Mapping[str, Any]) -> BrowserLease:
        """A browser as the process wants it; one without a door when it must start its own.

        Who has one already does not wait for a second: others may do the same.
        """
        try:
            kind = kind_of(wish, self.tenant)
        except InvalidInput:
            return BrowserLease()
        if self._watching:
            return BrowserLease()
        self._numbers += 1
        lease_id = LeaseId(f"{self.prefix}/{self._numbers}")
        lease = await self._granted(BrowserRequest(lease_id, kind, self.folder, self.quota))
        if lease.door:
            self._watching[lease_id] = asyncio.create_task(self._watch(lease_id))
        return lease

    @property
    def has_one(self) -> bool:
        """Whether its process holds a leased browser."""
        return bool(self._watching)

    def waited_since(self, moment: float) -> float:
        """Seconds for which the process has waited in the queue since then."""
        return sum(until - since for since, until in self._waits if since >= moment)

    async def lost(self) -> BrowserEnd | None:
        """Why a browser is gone that it still has; None while all live."""
        for lease_id in list(self._watching):
            try:
                end = (await self.pool.check(lease_id)).end
            except Unavailable:
                end = BrowserEnd.CRASHED
            if end not in {None, BrowserEnd.RELEASED}:
                return end
        return None

    async def close(self) -> None:
        """The process has ended."""
        watching, self._watching = self._watching, {}
        for task in watching.values():
            task.cancel()
        await asyncio.gather(*watching.values(), return_exceptions=True)
        for lease_id in watching:
            with contextlib.suppress(Unavailable):
                await self.pool.release(lease_id)

    async def _watch(self, lease_id: LeaseId) -> None:
        lease = BrowserLease()
        while lease.end is None:
            try:
                lease = await self.pool.watch(lease_id)
            except Unavailable:
                lease = BrowserLease(end=BrowserEnd.CRASHED)
        if lease.end is BrowserEnd.RELEASED:
            self._watching.pop(lease_id, None)
            return
        # A call into a launcher whose browser died may never return.
        self.worker.kill(f"browser_{lease.end}")
        await self.observe(BrowserLost(self.worker.name, str(lease.end)))

    async def _granted(self, request: BrowserRequest) -> BrowserLease:
        loop = asyncio.get_running_loop()
        begun, away_since, place = loop.time(), loop.time(), 0
        self._waits.append((begun, begun))
        while loop.time() < begun + QUEUE_SECONDS:
            try:
                lease = await self.pool.lease(request)
            except Unavailable:
                if loop.time() > away_since + PATIENCE_SECONDS:
                    return BrowserLease()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._waits[-1] = (begun, loop.time())
            if lease.door or lease.end:
                return lease
            away_since = loop.time()
            if lease.place not in {0, place} and not lease.is_coming:
                place = lease.place
                await self.observe(BrowserAwaited(self.worker.name, place))
        self.worker.kill("browser_queue")
        await self.pool.release(request.lease_id)
        return BrowserLease()


def kind_of(wish: Mapping[str, Any], tenant: TenantId) -> BrowserKind:
    """The kind that a suite's process describes.

    Raises:
        InvalidInput: it is nothing that the platform's own stand-in would send.
    """
    try:
        argv = tuple(str(word) for word in wish["argv"])
        env = tuple((str(name), str(value)) for name, value in wish["env"])
    except (KeyError, TypeError, ValueError) as wrong:
        raise InvalidInput(f"A suite asked for a browser in a way unknown: {wrong!r}.") from wrong
    words = [*argv, *(word for pair in env for word in pair)]
    if not argv or len(words) > _MANY or sum(map(len, words)) > _WORDS or "\0" in "".join(words):
        raise InvalidInput("A suite asked for a browser with arguments that are not allowed.")
    return BrowserKind(tenant, argv, env)
