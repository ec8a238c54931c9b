"""The browser host of a node as a detached Ray actor."""

from collections.abc import Callable

from actors.detached import start_once
from actors.pools.host import BrowserHost
from harness.domain.browser import BrowserLease, BrowserPoolStatus, BrowserRequest
from harness.domain.ids import LeaseId

NAME = "browser-host"


class BrowserHostActor:
    """Transport around `BrowserHost`; when its process ends, every browser ends with it."""

    def __init__(self, build: Callable[[], BrowserHost]) -> None:
        """Build the host in this process."""
        self._host = build()

    async def lease(self, request: BrowserRequest) -> BrowserLease:
        """See `BrowserPool.lease`."""
        return await self._host.lease(request)

    async def watch(self, lease_id: LeaseId) -> BrowserLease:
        """See `BrowserPool.watch`."""
        return await self._host.watch(lease_id)

    async def check(self, lease_id: LeaseId) -> BrowserLease:
        """See `BrowserPool.check`."""
        return await self._host.check(lease_id)

    async def release(self, lease_id: LeaseId) -> None:
        """See `BrowserPool.release`."""
        await self._host.release(lease_id)

    async def status(self) -> BrowserPoolStatus:
        """See `BrowserPool.status`."""
        return await self._host.status()


def start_browser_host(build: Callable[[], BrowserHost]) -> None:
    """Create the browser host of this node unless it is there."""
    start_once(BrowserHostActor, build, NAME)
