"""Warm browsers of one node, as test workers lease them."""

from typing import Protocol

from harness.domain.browser import BrowserLease, BrowserPoolStatus, BrowserRequest
from harness.domain.ids import LeaseId


class BrowserPool(Protocol):
    """Each call may raise Unavailable while the pool restarts; its browsers are lost then."""

    async def lease(self, request: BrowserRequest) -> BrowserLease:
        """A lease, or its place in the queue after about a second; ask again while it waits.

        A browser that cannot be started gives an ended lease whose message says why.
        """
        ...

    async def watch(self, lease_id: LeaseId) -> BrowserLease:
        """Returns at the lease's end, or after some seconds; each call keeps the lease alive."""
        ...

    async def check(self, lease_id: LeaseId) -> BrowserLease:
        """Whether the browser lives at this moment, asked of the browser itself."""
        ...

    async def release(self, lease_id: LeaseId) -> None:
        """The worker is done, or no longer waits."""
        ...

    async def status(self) -> BrowserPoolStatus:
        """What the pool has now."""
        ...
