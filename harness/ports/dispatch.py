"""How hosts get work and give back results."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from harness.domain.agent_grant import AgentGrant
from harness.domain.ids import AttemptId, HostId, LeaseId
from harness.domain.scope import Scope
from harness.domain.work import Batch, Collected, Grant, Report, Surrender
from harness.events.facts import Fact


class Dispatch(Protocol):
    """The scheduler as a host sees it.

    Every call may raise Unavailable while the scheduler restarts; the same call may then be
    sent again, and nothing is applied twice. Calls under a lease that ended raise Fenced.
    """

    async def claim(self, host: HostId, free: int, held: Mapping[LeaseId, int]) -> Grant | None:
        """Work for a host with so many free workers; None when nothing waits.

        `held` tells how many workers the host has open under each lease.
        """
        ...

    async def renew(self, lease_ids: Collection[LeaseId]) -> Sequence[LeaseId]:
        """Those leases that the host still has and whose runs shall go on."""
        ...

    async def observed(self, lease_id: LeaseId, facts: Sequence[Fact]) -> None:
        """Append what the host saw to the run's events."""
        ...

    async def secrets(self, scope: Scope, lease_id: LeaseId) -> Mapping[str, str]:
        """The values of the secrets that the lease's run names; keep them in memory alone.

        Raises:
            NotFound: a secret was deleted since the run was submitted.
        """
        ...

    async def agent_grant(self, scope: Scope, lease_id: LeaseId, agent: str) -> AgentGrant:
        """What an agent of this name gets in the lease's run; keep its keys in memory alone.

        An empty name, or one without a document, gets what the tenant's document allows, and
        `is_named` is false: intersect it with what the run brings, or deny everything.
        """
        ...

    async def collected(self, lease_id: LeaseId, collected: Collected) -> int:
        """The suite was collected; gives how many workers are worth opening, 0 if none.

        Raises:
            Conflict: another host found other tests in the same suite.
        """
        ...

    async def next_batch(
        self, lease_id: LeaseId, worker: str, have: Collection[AttemptId]
    ) -> Batch:
        """Attempts for a worker; `have` are the lease's unfinished attempts the host knows of."""
        ...

    async def report(self, report: Report) -> None:
        """Attempts finished."""
        ...

    async def surrender(self, surrender: Surrender) -> None:
        """The host is done with the run."""
        ...
