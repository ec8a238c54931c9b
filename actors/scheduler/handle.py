"""Dispatch and Doorbell over the scheduler's actor handle."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import ray
from ray.exceptions import RayActorError, RayTaskError

from actors.detached import NAMESPACE
from actors.scheduler.actor import NAME
from harness.domain.agent_grant import AgentGrant
from harness.domain.ids import AttemptId, HostId, LeaseId
from harness.domain.scope import Scope
from harness.domain.work import Batch, Collected, Grant, Report, Surrender
from harness.errors import HarnessError, Unavailable
from harness.events.facts import Fact
from harness.ports.knowledge import KnownFailure

CALL_SECONDS = 60.0


class SchedulerHandle:
    """The scheduler from another process; finds it anew after it was restarted."""

    def __init__(self) -> None:
        """Nothing is looked up before the first call."""
        self._actor: Any = None  # Ray's handles are untyped

    async def claim(self, host: HostId, free: int, held: Mapping[LeaseId, int]) -> Grant | None:
        """See `Dispatch.claim`."""
        return cast("Grant | None", await self._call("claim", host, free, dict(held)))

    async def renew(self, lease_ids: Collection[LeaseId]) -> Sequence[LeaseId]:
        """See `Dispatch.renew`."""
        return cast("Sequence[LeaseId]", await self._call("renew", list(lease_ids)))

    async def observed(self, lease_id: LeaseId, facts: Sequence[Fact]) -> None:
        """See `Dispatch.observed`."""
        await self._call("observed", lease_id, list(facts))

    async def secrets(self, scope: Scope, lease_id: LeaseId) -> Mapping[str, str]:
        """See `Dispatch.secrets`."""
        return cast("Mapping[str, str]", await self._call("secrets", scope, lease_id))

    async def agent_grant(self, scope: Scope, lease_id: LeaseId, agent: str) -> AgentGrant:
        """See `Dispatch.agent_grant`."""
        return cast("AgentGrant", await self._call("agent_grant", scope, lease_id, agent))

    async def known_failures(self, scope: Scope, text: str, limit: int) -> Sequence[KnownFailure]:
        """See `Knowledge.search`."""
        found = await self._call("known_failures", scope, text, limit)
        return cast("Sequence[KnownFailure]", found)

    async def collected(self, lease_id: LeaseId, collected: Collected) -> int:
        """See `Dispatch.collected`."""
        return cast("int", await self._call("collected", lease_id, collected))

    async def next_batch(
        self, lease_id: LeaseId, worker: str, have: Collection[AttemptId]
    ) -> Batch:
        """See `Dispatch.next_batch`."""
        return cast("Batch", await self._call("next_batch", lease_id, worker, list(have)))

    async def report(self, report: Report) -> None:
        """See `Dispatch.report`."""
        await self._call("report", report)

    async def surrender(self, surrender: Surrender) -> None:
        """See `Dispatch.surrender`."""
        await self._call("surrender", surrender)

    def ring(self) -> None:
        """See `Doorbell.ring`."""
        try:
            self._found().ring.remote()
        except Unavailable:
            return
        except RayActorError:
            self._actor = None

    async def _call(self, method: str, *args: object) -> object:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await getattr(self._found(), method).remote(*args)
        except RayTaskError as failed:
            if isinstance(failed.cause, HarnessError):
                raise failed.cause from None
            raise
        except (RayActorError, TimeoutError) as gone:
            self._actor = None
            raise Unavailable(
                f"The scheduler did not answer {method}. It is restarted by Ray; see `ath doctor`."
            ) from gone

    def _found(self) -> Any:  # Ray's handles are untyped
        if self._actor is None:
            try:
                self._actor = ray.get_actor(NAME, namespace=NAMESPACE)
            except ValueError as missing:
                raise Unavailable("The scheduler is not up yet; see `ath status`.") from missing
        return self._actor
