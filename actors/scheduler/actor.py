"""The scheduler as a detached Ray actor."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from actors.detached import start_once
from actors.scheduler.service import Scheduler
from harness.domain.agent_grant import AgentGrant
from harness.domain.ids import AttemptId, HostId, LeaseId
from harness.domain.scope import Scope
from harness.domain.work import Batch, Collected, Grant, Report, Surrender
from harness.events.facts import Fact
from harness.heap import settle_heap
from harness.ports.knowledge import KnownFailure

NAME = "scheduler"


class SchedulerActor:
    """Transport around `Scheduler`; everything it knows is in the record store."""

    def __init__(self, build: Callable[[], Scheduler]) -> None:
        """Build the scheduler in this process and start its loops."""
        self._scheduler = build()
        settle_heap()
        self._loops: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the loops, once."""
        if self._loops is None:
            self._loops = asyncio.get_running_loop().create_task(self._scheduler.serve())

    async def ring(self) -> None:
        """See `Scheduler.ring`."""
        await self.start()
        await self._scheduler.ring()

    async def claim(self, host: HostId, free: int, held: Mapping[LeaseId, int]) -> Grant | None:
        """See `Scheduler.claim`."""
        await self.start()
        return await self._scheduler.claim(host, free, held)

    async def renew(self, lease_ids: Collection[LeaseId]) -> Sequence[LeaseId]:
        """See `Scheduler.renew`."""
        return await self._scheduler.renew(lease_ids)

    async def observed(self, lease_id: LeaseId, facts: Sequence[Fact]) -> None:
        """See `Scheduler.observed`."""
        await self._scheduler.observed(lease_id, facts)

    async def secrets(self, scope: Scope, lease_id: LeaseId) -> Mapping[str, str]:
        """See `Scheduler.secrets`."""
        return await self._scheduler.secrets(scope, lease_id)

    async def agent_grant(self, scope: Scope, lease_id: LeaseId, agent: str) -> AgentGrant:
        """See `Scheduler.agent_grant`."""
        return await self._scheduler.agent_grant(scope, lease_id, agent)

    async def known_failures(self, scope: Scope, text: str, limit: int) -> Sequence[KnownFailure]:
        """See `Scheduler.known_failures`."""
        return await self._scheduler.known_failures(scope, text, limit)

    async def collected(self, lease_id: LeaseId, collected: Collected) -> int:
        """See `Scheduler.collected`."""
        return await self._scheduler.collected(lease_id, collected)

    async def next_batch(
        self, lease_id: LeaseId, worker: str, have: Collection[AttemptId]
    ) -> Batch:
        """See `Scheduler.next_batch`."""
        return await self._scheduler.next_batch(lease_id, worker, have)

    async def report(self, report: Report) -> None:
        """See `Scheduler.report`."""
        await self._scheduler.report(report)

    async def surrender(self, surrender: Surrender) -> None:
        """See `Scheduler.surrender`."""
        await self._scheduler.surrender(surrender)


def start_scheduler(build: Callable[[], Scheduler]) -> None:
    """Create the scheduler of this Ray cluster unless it is there."""
    start_once(SchedulerActor, build, NAME).ring.remote()
