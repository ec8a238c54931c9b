"""The host of one node: claims runs, executes them side by side, keeps their leases alive."""

import asyncio
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actors.agents.agent_run import AgentHost
from actors.environments.cache import EnvironmentCache
from actors.workers.execution import Execution
from actors.workers.limits import HostLimits
from actors.workers.suite_places import SuitePlaces
from actors.workers.warm_processes import WarmProcesses
from harness.domain.browser import BrowserChoice
from harness.domain.ids import HostId, LeaseId
from harness.domain.work import Grant
from harness.errors import HarnessError, Unavailable
from harness.ports.artifacts import ArtifactStore
from harness.ports.browsers import BrowserPool
from harness.ports.dispatch import Dispatch

_log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5


@dataclass(slots=True)
class WorkerHost:
    """Executes what the scheduler grants; holds no store credentials."""

    host: HostId
    dispatch: Dispatch
    artifacts: ArtifactStore
    scratch: Path
    browser: BrowserChoice | None
    pool: BrowserPool
    sandboxes: AgentHost
    environments: EnvironmentCache
    limits: HostLimits
    _places: SuitePlaces = field(init=False)
    _warm: WarmProcesses = field(init=False)
    _executions: dict[LeaseId, Execution] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Suites are unpacked below the scratch folder."""
        self._places = SuitePlaces(self.scratch)
        self._warm = WarmProcesses(self.scratch)

    async def serve(self) -> None:
        """Run until cancelled; whatever a former life left in the scratch folder goes first."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(mode=0o700, parents=True)
        await asyncio.to_thread(self.environments.folders.prepare)
        try:
            await self._serve_for_ever()
        finally:
            await self._warm.close()

    async def _serve_for_ever(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_for_ever())
            while True:
                grant = await self._claim()
                if grant is None:
                    continue
                known = self._executions.get(grant.lease.id)
                if known:
                    known.open_more(grant.workers)
                else:
                    group.create_task(self._execute(grant))
                    await asyncio.sleep(0)

    def held(self) -> Mapping[LeaseId, int]:
        """Open workers by lease."""
        return {lease_id: run.workers for lease_id, run in self._executions.items()}

    async def _claim(self) -> Grant | None:
        held = self.held()
        free = self.limits.workers - sum(held.values())
        try:
            grant = await self.dispatch.claim(self.host, max(0, free), held)
        except HarnessError as trouble:
            _log.warning("no claim", extra={"error": str(trouble)})
            await asyncio.sleep(RETRY_SECONDS)
            return None
        if grant is None and free <= 0:
            await asyncio.sleep(RETRY_SECONDS)
        return grant

    async def _execute(self, grant: Grant) -> None:
        execution = Execution(
            grant=grant,
            dispatch=self.dispatch,
            artifacts=self.artifacts,
            places=self._places,
            warm=self._warm,
            browser=self.browser,
            pool=self.pool,
            sandboxes=self.sandboxes,
            environments=self.environments,
            limits=self.limits,
        )
        self._executions[grant.lease.id] = execution
        try:
            await execution.execute()
        except Exception:
            # The border of one run: its trouble must not end the host's other runs.
            _log.exception("execution failed", extra={"run": grant.run.id})
        finally:
            del self._executions[grant.lease.id]

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.limits.renew_seconds)
            mine = list(self._executions)
            if not mine:
                continue
            try:
                kept = set(await self.dispatch.renew(mine))
            except Unavailable:
                continue
            for lease_id in mine:
                if lease_id not in kept and lease_id in self._executions:
                    self._executions[lease_id].stop()
