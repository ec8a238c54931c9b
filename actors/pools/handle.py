"""BrowserPool over the browser host's actor handle."""

import asyncio
from typing import Any, cast

import ray
from ray.exceptions import RayActorError

from actors.detached import NAMESPACE
from actors.pools.actor import NAME
from harness.domain.browser import BrowserLease, BrowserPoolStatus, BrowserRequest
from harness.domain.ids import LeaseId
from harness.errors import Unavailable

CALL_SECONDS = 30.0


class BrowserHostHandle:
    """The browser host of this node from another process; found anew after a restart."""

    def __init__(self) -> None:
        """Nothing is looked up before the first call."""
        self._actor: Any = None  # Ray's handles are untyped

    async def lease(self, request: BrowserRequest) -> BrowserLease:
        """See `BrowserPool.lease`."""
        return cast("BrowserLease", await self._call("lease", request))

    async def watch(self, lease_id: LeaseId) -> BrowserLease:
        """See `BrowserPool.watch`."""
        return cast("BrowserLease", await self._call("watch", lease_id))

    async def check(self, lease_id: LeaseId) -> BrowserLease:
        """See `BrowserPool.check`."""
        return cast("BrowserLease", await self._call("check", lease_id))

    async def release(self, lease_id: LeaseId) -> None:
        """See `BrowserPool.release`."""
        await self._call("release", lease_id)

    async def status(self) -> BrowserPoolStatus:
        """See `BrowserPool.status`."""
        return cast("BrowserPoolStatus", await self._call("status"))

    async def _call(self, method: str, *args: object) -> object:
        try:
            if self._actor is None:
                self._actor = ray.get_actor(NAME, namespace=NAMESPACE)
            async with asyncio.timeout(CALL_SECONDS):
                return await getattr(self._actor, method).remote(*args)
        except (RayActorError, TimeoutError, ValueError) as gone:
            self._actor = None
            raise Unavailable(
                f"The browser host did not answer {method}. It is restarted by Ray; "
                "see `ath doctor`."
            ) from gone
