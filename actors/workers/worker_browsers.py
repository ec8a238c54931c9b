"""The browsers that one worker's process leases from the pool of its node."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.workers.suite_worker import SuiteWorker
from harness.domain.browser import BrowserEnd, BrowserKind, BrowserLease, BrowserRequest
from harness.domain.ids import LeaseId, TenantId
from harness.errors import InvalidInput, Unavailable
from harness.events.facts import BrowserAwaited, BrowserLost, Fact
from harness.ports.browsers import BrowserPool

PATIENCE_SECONDS = 30.0
"""How long a pool may be away before a worker launches a browser of its own."""
RETRY_SECONDS = 0.2
_WORDS = 64 * 1024
_PATH = 4096
_OPTIONS = {"executablePath", "args"}


@dataclass(slots=True)
class WorkerBrowsers:
    """Leases for one process; ends the process when its browser is lost."""

    pool: BrowserPool
    tenant: TenantId
    worker: SuiteWorker
    prefix: str
    """Of its leases; no other process has the same."""
    observe: Callable[[Fact], Awaitable[None]]
    _waits: list[tuple[float, float]] = field(default_factory=list)
    """When it waited for a browser, from and until."""
    _waits_since: float | None = None
    _leases: "dict[LeaseId, asyncio.Task[None]]" = field(default_factory=dict)
    _held: LeaseId | None = None

    def waited_since(self, moment: float) -> float:
        """Seconds for which the process has waited for browsers since then."""
        now = asyncio.get_running_loop().time()
        present = [] if self._waits_since is None else [(self._waits_since, now)]
        return sum(until - since for since, until in (*self._waits, *present) if since >= moment)

    def want(self, wish: Mapping[str, Any]) -> None:
        """Answer the process, soon or when its turn has come."""
        try:
            kind = kind_of(wish, self.tenant)
        except InvalidInput:
            self.worker.answer("")
            return
        lease_id = LeaseId(f"{self.prefix}/{len(self._leases)}")
        request = BrowserRequest(lease_id, kind, str(wish["cwd"])[:_PATH])
        self._waits_since = asyncio.get_running_loop().time()
        self._leases[lease_id] = asyncio.create_task(self._keep(request))

    async def lost(self) -> BrowserEnd | None:
        """Why the browser is gone; None while it lives or when it was given back."""
        if self._held is None:
            return None
        try:
            end = (await self.pool.check(self._held)).end
        except Unavailable:
            end = BrowserEnd.CRASHED
        return None if end is BrowserEnd.RELEASED else end

    async def close(self) -> None:
        """The process has ended."""
        for task in self._leases.values():
            task.cancel()
        await asyncio.gather(*self._leases.values(), return_exceptions=True)
        for lease_id in self._leases:
            with contextlib.suppress(Unavailable):
                await self.pool.release(lease_id)

    async def _keep(self, request: BrowserRequest) -> None:
        lease = await self._granted(request)
        if self._waits_since is not None:
            self._waits.append((self._waits_since, asyncio.get_running_loop().time()))
        self._waits_since = None
        self._held = request.lease_id if lease.endpoint else None
        self.worker.answer(lease.endpoint)
        if not lease.endpoint:
            return
        while lease.end is None:
            try:
                lease = await self.pool.watch(request.lease_id)
            except Unavailable:
                lease = BrowserLease(end=BrowserEnd.CRASHED)
        if lease.end is not BrowserEnd.RELEASED:
            self.worker.kill(f"browser_{lease.end}")
            await self.observe(BrowserLost(self.worker.name, str(lease.end)))

    async def _granted(self, request: BrowserRequest) -> BrowserLease:
        loop = asyncio.get_running_loop()
        until, place = loop.time() + PATIENCE_SECONDS, 0
        while True:
            try:
                lease = await self.pool.lease(request)
            except Unavailable:
                if loop.time() > until:
                    return BrowserLease()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if not lease.place and (lease.endpoint or lease.end):
                return lease
            until = loop.time() + PATIENCE_SECONDS
            if lease.place and lease.place != place:
                place = lease.place
                await self.observe(BrowserAwaited(self.worker.name, place))


def kind_of(wish: Mapping[str, Any], tenant: TenantId) -> BrowserKind:
    """The kind that a suite's process describes.

    Raises:
        InvalidInput: it is nothing that the platform's own package would send.
    """
    try:
        options = json.loads(wish["options"])
        env = tuple((str(name), str(value)) for name, value in wish["env"])
        kind = BrowserKind(tenant, wish["node"], wish["package"], wish["options"], env)
        paths = (kind.node, kind.package, wish["cwd"])
        fits = (
            set(options) <= _OPTIONS
            and all(path.startswith("/") and len(path) <= _PATH for path in paths)
            and sum(len(name) + len(value) for name, value in env) + len(kind.options) <= _WORDS
        )
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise InvalidInput(f"The suite asked for a browser in a way unknown: {wrong!r}.") from wrong
    if not fits:
        raise InvalidInput("The suite asked for a browser with options that are not allowed.")
    return kind
