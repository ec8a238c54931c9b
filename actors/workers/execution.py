"""One run on one host: unpack, bring up, collect, execute, report, clean up."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from actors.agents.agent_run import AgentHost
from actors.environments.cache import EnvironmentCache
from actors.workers.attempts import AttemptFold
from actors.workers.coverage import Coverage
from actors.workers.given_secrets import CleanArtifacts, GivenSecrets
from actors.workers.limits import HostLimits
from actors.workers.preparation import Prepared, prepare
from actors.workers.reporter import Reporter, persistently
from actors.workers.run_artifacts import RunArtifacts
from actors.workers.suite_places import Circle, SuitePlaces
from actors.workers.warm_processes import WarmProcesses
from actors.workers.worker_agents import WorkerAgents
from actors.workers.worker_loop import Observe, Running, WorkerLoop
from actors.workers.worker_models import WorkerModels
from harness.domain.agent_grant import AgentGrant
from harness.domain.attempt import ArtifactRef
from harness.domain.browser import BrowserChoice
from harness.domain.run import Reason
from harness.domain.work import Grant, Surrender
from harness.errors import (
    Conflict,
    Fenced,
    HarnessError,
    InvalidInput,
    NotFound,
    TooLarge,
    Unavailable,
)
from harness.events.facts import ArtifactsLeftOut
from harness.ports.artifacts import ArtifactStore
from harness.ports.browsers import BrowserPool
from harness.ports.clock import SystemClock
from harness.ports.dispatch import Dispatch
from harness.ports.entropy import SystemEntropy

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Execution:
    """Everything a host does for one lease; `execute` is its whole life."""

    grant: Grant
    dispatch: Dispatch
    artifacts: ArtifactStore
    places: SuitePlaces
    warm: WarmProcesses
    browser: BrowserChoice | None
    pool: BrowserPool
    sandboxes: AgentHost
    environments: EnvironmentCache
    limits: HostLimits
    _kept: RunArtifacts = field(init=False)
    _circle: Circle = field(init=False)
    _place: Path = field(init=False)
    _loops: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _workers: dict[str, WorkerLoop] = field(default_factory=dict)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _secrets: GivenSecrets = field(default_factory=GivenSecrets)
    _opened: int = 0
    _wanted: int = 0
    _alone: bool = False
    """One worker must do everything."""
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """The place is this run's until its execution ends."""
        most, used = self.limits.run_artifact_bytes, self.grant.artifact_bytes
        self._kept = RunArtifacts(self.artifacts, most, used)
        self._circle = Circle.of(self.grant)
        self._place = self.places.take(self._circle)

    @property
    def _clean(self) -> CleanArtifacts:
        """Where everything that the suite leaves behind goes."""
        return CleanArtifacts(self._kept, self._secrets.redactor)

    @property
    def workers(self) -> int:
        """Open workers; a run that is being prepared counts with all that were granted."""
        if not self._loops:
            return self.grant.workers
        return max(1, sum(not task.done() for task in self._loops.values()))

    def open_more(self, workers: int) -> None:
        """The scheduler has work for so many more workers."""
        self._want(min(workers, self.limits.workers - self.workers))
        self._more.set()

    def stop(self) -> None:
        """The lease was taken away or the run was cancelled: end soon."""
        self._stopped.set()
        self._more.set()

    async def execute(self) -> None:
        """Execute the run and give the lease back, whatever happens."""
        reporter = Reporter(self.dispatch, self.grant.lease.id)
        sending = asyncio.create_task(reporter.run())
        surrender = Surrender(self.grant.lease.id)
        prepared: Prepared | None = None
        try:
            prepared = await self._prepared()
            if prepared:
                await self._work(prepared, reporter)
        except Fenced:
            surrender = Surrender(self.grant.lease.id, Reason.INFRASTRUCTURE)
        except (InvalidInput, NotFound) as wrong:
            surrender = self._failed(Reason.USAGE, wrong)
        except Conflict as wrong:
            surrender = self._failed(Reason.COLLECTION, wrong)
        except HarnessError as trouble:
            surrender = self._failed(Reason.ENVIRONMENT, trouble)
        finally:
            await self._stop_workers()
            await self._close(prepared, reporter, sending, surrender)

    async def _prepared(self) -> Prepared | None:
        """The run ready to begin; None when it was stopped before that."""
        self._secrets = await GivenSecrets.fetch(self.grant, self.dispatch)
        preparing = asyncio.create_task(
            prepare(
                self.grant,
                self.dispatch,
                self.artifacts,
                self.places,
                self.warm,
                self._place,
                self.browser,
                self.environments,
                self._secrets,
                self.limits,
            )
        )
        stopping = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait([preparing, stopping], return_when=asyncio.FIRST_COMPLETED)
            return preparing.result() if preparing.done() else None
        finally:
            stopping.cancel()
            preparing.cancel()
            await asyncio.wait([preparing])

    def _want(self, workers: int) -> None:
        self._wanted = min(1, workers) if self._alone else self._wanted + workers

    def _failed(self, reason: Reason, error: HarnessError) -> Surrender:
        return Surrender(self.grant.lease.id, reason, self._secrets.redactor.text(str(error)))

    async def _work(self, prepared: Prepared, reporter: Reporter) -> None:
        if self._stopped.is_set():
            return
        collected = prepared.collected
        lease_id = self.grant.lease.id
        worth = await persistently(lambda: self.dispatch.collected(lease_id, collected))
        collection = prepared.collection
        self._alone = collection.measured and not collection.forkable
        self._want(min(worth, self.grant.workers))
        while True:
            while self._opened < self._wanted and not self._stopped.is_set():
                self._open(prepared, reporter)
            for task in self._loops.values():
                if task.done():
                    task.result()
            running = [task for task in self._loops.values() if not task.done()]
            if not running:
                return
            more = asyncio.create_task(self._more.wait())
            await asyncio.wait([*running, more], return_when=asyncio.FIRST_COMPLETED)
            more.cancel()
            self._more.clear()
            if self._stopped.is_set():
                await self._stop_workers()

    def _open(self, prepared: Prepared, reporter: Reporter) -> None:
        self._opened += 1
        name = f"w{self._opened}"
        loop = WorkerLoop(
            name=name,
            grant=self.grant,
            dispatch=self.dispatch,
            session=prepared.session,
            reporter=reporter,
            fold=AttemptFold(
                self.grant.run.scope,
                self._clean,
                name,
                self.limits.artifact_bytes,
                self._secrets.redactor,
            ),
            siblings=self._workers,
            pool=self.pool,
            door=prepared.door,
            agents_of=self._agents,
        )
        self._loops[name] = asyncio.create_task(loop.run())

    def _agents(self, worker: str, observe: Observe, running: Running) -> WorkerAgents:
        scope, lease_id = self.grant.run.scope, self.grant.lease.id

        async def granted(agent: str) -> AgentGrant:
            return await persistently(lambda: self.dispatch.agent_grant(scope, lease_id, agent))

        return WorkerAgents(
            host=self.sandboxes,
            scope=scope,
            granted=granted,
            artifacts=self._clean,
            max_bytes=self.limits.artifact_bytes,
            secrets=self._secrets.variables,
            observe=observe,
            running=running,
            models=WorkerModels(
                folder=self._place,
                worker=worker,
                scope=scope,
                granted=granted,
                artifacts=self._clean,
                max_bytes=self.limits.artifact_bytes,
                secrets=self._secrets.variables,
                clock=SystemClock(),
                entropy=SystemEntropy(),
            ),
            bounds=self.limits.sandboxes,
        )

    async def _stop_workers(self) -> None:
        for task in self._loops.values():
            task.cancel()
        await asyncio.gather(*self._loops.values(), return_exceptions=True)
        self._loops = {}

    async def _close(
        self,
        prepared: Prepared | None,
        reporter: Reporter,
        sending: asyncio.Task[None],
        surrender: Surrender,
    ) -> None:
        try:
            await reporter.flush()
            sending.cancel()
            final = await self._sealed(prepared, surrender)
            await self._tell_left_out()
            await persistently(lambda: self.dispatch.surrender(final))
        except Fenced:
            _log.info("lease was lost", extra={"lease": surrender.lease_id})
        except Unavailable:
            _log.warning("scheduler is away", extra={"lease": surrender.lease_id})
        finally:
            sending.cancel()
            if prepared:
                await self._prepare_next(prepared)
                await prepared.close()
            await asyncio.to_thread(self.places.leave, self._place, self._circle)

    async def _tell_left_out(self) -> None:
        if self._kept.left_out:
            fact = ArtifactsLeftOut(self._kept.left_out, self._kept.most)
            await persistently(lambda: self.dispatch.observed(self.grant.lease.id, [fact]))

    async def _prepare_next(self, prepared: Prepared) -> None:
        """Let an interpreter wait for the next run like this one, unless it would know too much."""
        request = self.grant.run.request
        if not self._stopped.is_set() and not request.secrets and request.environment is None:
            await self.warm.prepare(prepared.session.spec.kind)

    async def _sealed(self, prepared: Prepared | None, surrender: Surrender) -> Surrender:
        if prepared is None:
            return surrender
        await prepared.session.close()
        logs = await asyncio.to_thread(self._put_logs, prepared.logs)
        coverage = Coverage.read(prepared.session.spec.coverage)
        if coverage is None:
            return replace(surrender, artifacts=logs)
        scope, most = self.grant.run.scope, self.limits.artifact_bytes
        cwd = prepared.session.spec.cwd
        reports = await asyncio.to_thread(coverage.stored, scope, self._clean, cwd, most)
        kept = replace(surrender, artifacts=[*logs, *reports])
        if surrender.reason is Reason.NONE and coverage.complaint:
            return replace(kept, reason=Reason.COVERAGE, message=coverage.complaint)
        return kept

    def _put_logs(self, logs: Mapping[str, Path]) -> Sequence[ArtifactRef]:
        refs = []
        for name, path in logs.items():
            if not path.is_file() or path.stat().st_size == 0:
                continue
            try:
                with path.open("rb") as content:
                    digest, size = self._clean.put(
                        self.grant.run.scope, content, max_bytes=self.limits.artifact_bytes
                    )
            except TooLarge as error:
                _log.warning("log was not kept", extra={"log": name, "error": str(error)})
                continue
            refs.append(ArtifactRef(name, digest, size, "text/plain; charset=utf-8"))
        return refs
