"""One run on one host: unpack, bring up, collect, execute, report, clean up."""

import asyncio
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from actors.workers.attempts import AttemptFold
from actors.workers.limits import HostLimits
from actors.workers.preparation import Prepared, prepare
from actors.workers.reporter import Reporter, persistently
from actors.workers.worker_loop import WorkerLoop
from harness.domain.attempt import ArtifactRef
from harness.domain.browser import BrowserChoice
from harness.domain.ids import AttemptId
from harness.domain.run import Reason
from harness.domain.work import Grant, Surrender
from harness.errors import Conflict, Fenced, HarnessError, InvalidInput, NotFound, Unavailable
from harness.ports.artifacts import ArtifactStore
from harness.ports.browsers import BrowserPool
from harness.ports.dispatch import Dispatch

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Execution:
    """Everything a host does for one lease; `execute` is its whole life."""

    grant: Grant
    dispatch: Dispatch
    artifacts: ArtifactStore
    folder: Path
    browser: BrowserChoice | None
    pool: BrowserPool
    limits: HostLimits
    _loops: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _have: dict[str, set[AttemptId]] = field(default_factory=dict)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: int = 0
    _wanted: int = 0
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def workers(self) -> int:
        """Open workers; a run that is being prepared counts with all that were granted."""
        if not self._loops:
            return self.grant.workers
        return max(1, sum(not task.done() for task in self._loops.values()))

    def open_more(self, workers: int) -> None:
        """The scheduler has work for so many more workers."""
        self._wanted += min(workers, self.limits.workers - self.workers)
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
            prepared = await prepare(
                self.grant, self.dispatch, self.artifacts, self.folder, self.browser, self.limits
            )
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

    def _failed(self, reason: Reason, error: HarnessError) -> Surrender:
        return Surrender(self.grant.lease.id, reason, str(error))

    async def _work(self, prepared: Prepared, reporter: Reporter) -> None:
        if self._stopped.is_set():
            return
        collected = prepared.collected
        lease_id = self.grant.lease.id
        worth = await persistently(lambda: self.dispatch.collected(lease_id, collected))
        self._wanted += min(worth, self.grant.workers)
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
        self._have[name] = set()
        loop = WorkerLoop(
            name=name,
            grant=self.grant,
            dispatch=self.dispatch,
            session=prepared.session,
            reporter=reporter,
            fold=AttemptFold(
                self.grant.run.scope, self.artifacts, name, self.limits.artifact_bytes
            ),
            have=self._have,
            pool=self.pool,
            door=prepared.door,
        )
        self._loops[name] = asyncio.create_task(loop.run())

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
            artifacts = await self._sealed(prepared)
            final = Surrender(surrender.lease_id, surrender.reason, surrender.message, artifacts)
            await persistently(lambda: self.dispatch.surrender(final))
        except Fenced:
            _log.info("lease was lost", extra={"lease": surrender.lease_id})
        except Unavailable:
            _log.warning("scheduler is away", extra={"lease": surrender.lease_id})
        finally:
            sending.cancel()
            if prepared:
                await prepared.close()
            await asyncio.to_thread(shutil.rmtree, self.folder, True)

    async def _sealed(self, prepared: Prepared | None) -> Sequence[ArtifactRef]:
        if prepared is None:
            return ()
        await prepared.session.close()
        return await asyncio.to_thread(self._put_logs, prepared.logs)

    def _put_logs(self, logs: Mapping[str, Path]) -> Sequence[ArtifactRef]:
        refs = []
        for name, path in logs.items():
            if not path.is_file() or path.stat().st_size == 0:
                continue
            with path.open("rb") as content:
                digest, size = self.artifacts.put(
                    self.grant.run.scope, content, max_bytes=self.limits.artifact_bytes
                )
            refs.append(ArtifactRef(name, digest, size, "text/plain; charset=utf-8"))
        return refs
