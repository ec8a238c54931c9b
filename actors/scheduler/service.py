"""The scheduler as a plain class: one thread for decisions, loops for time, relay and analytics."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, Protocol, TypeVar

from harness.domain.agent_grant import AgentGrant
from harness.domain.ids import AttemptId, HostId, LeaseId
from harness.domain.scope import Scope
from harness.domain.work import Batch, Collected, Grant, Report, Surrender
from harness.errors import Conflict, Fenced, HarnessError
from harness.events.facts import Fact
from harness.ports.knowledge import Knowledge, KnownFailure
from harness.services.agent_grants import AgentGrants
from harness.services.scheduling import Scheduling
from harness.services.secrets import Secrets

_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_T = TypeVar("_T")

CLAIM_WAIT_SECONDS = 2.0
"""How long a host's claim waits for work before it answers with none."""
TICK_SECONDS = 1.0
CHORE_WAIT_SECONDS = 0.5
CHORE_PAUSE_SECONDS = 0.5
"""Between two rounds of chores, except after a run's end: each round costs a few transactions, and
while thousands of results come in, those would take the time of tests."""


class Chore(Protocol):
    """Work that repeats beside the decisions, such as the outbox relay."""

    def step(self) -> bool:
        """Do one bounded piece; gives whether there may be more at once."""
        ...


@dataclass(slots=True)
class Scheduler:
    """Dispatch for hosts and Doorbell for the control plane.

    Decisions run one at a time on a thread of their own, because they share memory and the
    record store blocks. Chores run on another, so that they never delay a decision.
    """

    scheduling: Scheduling
    vault: Secrets
    agents: AgentGrants
    knowledge: Callable[[Scope], Knowledge]
    chores: Sequence[Chore] = ()
    _decisions: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "decisions")
    )
    _chore_thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "chores")
    )
    _grant_thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "grants")
    )
    """Documents of hundreds of rules take a while to intersect; nobody else shall wait for that."""
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _urgent: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody waits for what the chores do."""

    async def serve(self) -> None:
        """Run the loops until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tick_for_ever())
                group.create_task(self._do_chores_for_ever())
        finally:
            self._decisions.shutdown(wait=False)
            self._chore_thread.shutdown(wait=False)
            self._grant_thread.shutdown(wait=False)

    async def ring(self) -> None:
        """There may be new work, or an import to be judged."""
        self._bell.set()
        self._changed.set()
        self._urgent.set()

    async def claim(self, host: HostId, free: int, held: Mapping[LeaseId, int]) -> Grant | None:
        """Work for a host; waits a little for some to come."""
        self._bell.clear()
        grant = await self._decide(self.scheduling.claim, host, free, held)
        if grant or free <= 0:
            return grant
        try:
            await asyncio.wait_for(self._bell.wait(), CLAIM_WAIT_SECONDS)
        except TimeoutError:
            return None
        return await self._decide(self.scheduling.claim, host, free, held)

    async def renew(self, lease_ids: Collection[LeaseId]) -> Sequence[LeaseId]:
        """Leases that the host still has and whose runs shall go on."""
        kept: list[LeaseId] = []
        for lease_id in lease_ids:
            try:
                kept += await self._decide(self.scheduling.renew, [lease_id])
            except Fenced:
                continue
        return kept

    async def observed(self, lease_id: LeaseId, facts: Sequence[Fact]) -> None:
        """Append what the host saw to the run's events."""
        await self._decide(self.scheduling.observed, lease_id, facts)

    async def secrets(self, scope: Scope, lease_id: LeaseId) -> Mapping[str, str]:
        """The values of the secrets that the lease's run names."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._chore_thread, self.vault.of_lease, scope, lease_id)

    async def agent_grant(self, scope: Scope, lease_id: LeaseId, agent: str) -> AgentGrant:
        """What an agent of this name gets in the lease's run."""
        loop = asyncio.get_running_loop()
        granted = self.agents.of_lease
        return await loop.run_in_executor(self._grant_thread, granted, scope, lease_id, agent)

    async def known_failures(self, scope: Scope, text: str, limit: int) -> Sequence[KnownFailure]:
        """What earlier runs of a project know of a text."""
        return await self.knowledge(scope).search(text, limit)

    async def collected(self, lease_id: LeaseId, collected: Collected) -> int:
        """The suite was collected; gives how many workers are worth opening."""
        return await self._decide(self.scheduling.collected, lease_id, collected)

    async def next_batch(
        self, lease_id: LeaseId, worker: str, have: Collection[AttemptId]
    ) -> Batch:
        """Attempts for a worker."""
        return await self._decide(self.scheduling.next_batch, lease_id, worker, have)

    async def report(self, report: Report) -> None:
        """Attempts finished."""
        await self._decide(self.scheduling.report, report)
        self._bell.set()

    async def surrender(self, surrender: Surrender) -> None:
        """The host is done with the run."""
        await self._decide(self.scheduling.surrender, surrender)
        self._bell.set()
        self._urgent.set()

    async def _decide(self, decision: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._decisions, lambda: decision(*args, **kwargs))
        except (Fenced, Conflict):
            raise
        except Exception:
            # The transaction rolled back, so what memory says is no longer what the store says.
            await loop.run_in_executor(self._decisions, self.scheduling.forget)
            raise
        finally:
            self._changed.set()

    async def _tick_for_ever(self) -> None:
        while True:
            try:
                await self._decide(self.scheduling.tick)
            except HarnessError as trouble:
                _log.warning("scheduler tick failed", extra={"error": str(trouble)})
            await asyncio.sleep(TICK_SECONDS)

    async def _do_chores_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            self._urgent.clear()
            busy = False
            for chore in self.chores:
                try:
                    busy |= await loop.run_in_executor(self._chore_thread, chore.step)
                except HarnessError as trouble:
                    _log.warning("chore failed", extra={"error": str(trouble)})
            if not busy:
                await _set_within(self._urgent, CHORE_PAUSE_SECONDS)
                await _set_within(self._changed, CHORE_WAIT_SECONDS)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, but not longer."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
