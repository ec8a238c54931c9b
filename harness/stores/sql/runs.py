"""Runs, changed only by compare-and-set together with their events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select, text

from harness.domain.ids import Digest, ProjectId, RunId, TenantId
from harness.domain.run import Reason, Run, RunState
from harness.domain.scope import Scope
from harness.errors import Conflict, InvalidInput, NotFound
from harness.events.envelope import Event
from harness.events.facts import Fact
from harness.ports.entropy import Entropy
from harness.stores.sql.codec import (
    REQUEST,
    Value,
    Values,
    micros,
    optional_micros,
    optional_time_of,
    time_of,
)
from harness.stores.sql.events import add_events, chained, events_of_run
from harness.stores.sql.scoped import Scoped
from harness.stores.sql.session import Record, Session
from harness.stores.sql.tables import RUNS


@dataclass(frozen=True, slots=True)
class SqlRuns:
    """The runs of one scope."""

    db: Scoped
    entropy: Entropy

    def add(self, run: Run, facts: Sequence[Fact]) -> Run:
        """Store a new run with its first facts."""
        self._check(run)
        stored, events = chained(self.entropy, run, facts, self.db.now())
        self.db.insert(RUNS, [_row(stored)])
        add_events(self.db, events)
        return stored

    def get(self, run_id: RunId, *, lock: bool = False) -> Run:
        """The run; with `lock`, no other transaction changes it before this one ends."""
        query = self.db.select(RUNS).where(RUNS.c.id == run_id)
        found = self.db.locked(query) if lock else self.db.rows(query)
        if not found:
            raise NotFound(f"There is no run {run_id} in this project. Check the id.")
        return _run(found[0])

    def save(self, run: Run, facts: Sequence[Fact] = ()) -> Run:
        """Replace the run if its stored version is still `run.version`, and append the facts."""
        self._check(run)
        following = replace(run, version=run.version + 1)
        stored, events = chained(self.entropy, following, facts, self.db.now())
        mine = self.db.update(RUNS).where(RUNS.c.id == run.id, RUNS.c.version == run.version)
        if self.db.change(mine.values(**_changing(stored))) != 1:
            raise Conflict(
                f"Run {run.id} is no longer at version {run.version}: it changed meanwhile. "
                "Read it again."
            )
        add_events(self.db, events)
        return stored

    def page(
        self, *, before: RunId | None = None, limit: int = 50, state: RunState | None = None
    ) -> Sequence[Run]:
        """Runs of the scope, newest first, older than `before`."""
        query = self.db.select(RUNS).order_by(RUNS.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(RUNS.c.id < before)
        if state is not None:
            query = query.where(RUNS.c.state == state)
        return [_run(row) for row in self.db.rows(query)]

    def events(self, run_id: RunId, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """The run's events with a seq above `after`, in order."""
        return events_of_run(self.db, run_id, after, limit)

    def of_release(self, release: str, *, limit: int = 100) -> Sequence[Run]:
        """Runs of the scope that judge this release, newest first."""
        query = self.db.select(RUNS).where(RUNS.c.release == release)
        return [_run(row) for row in self.db.rows(query.order_by(RUNS.c.id.desc()).limit(limit))]

    def _check(self, run: Run) -> None:
        if run.scope != self.db.scope:
            raise InvalidInput(
                f"Run {run.id} belongs to {run.scope}; this transaction is of {self.db.scope}. "
                "Use a transaction of the run's own scope."
            )


def active_runs(session: Session) -> list[Run]:
    """Runs of all tenants that have not ended, oldest first."""
    query = select(RUNS).where(text("NOT ended")).order_by(RUNS.c.id)
    return [_run(row) for row in session.rows(query)]


def _changing(run: Run) -> dict[str, Value]:
    return {
        "state": run.state,
        "reason": run.reason,
        "message": run.message,
        "version": run.version,
        "seq": run.seq,
        "chain_head": run.chain_head,
        "next_token": run.next_token,
        "round": run.round,
        "collected": run.collected,
        "log": run.log,
        "started_us": optional_micros(run.started_at),
        "finished_us": optional_micros(run.finished_at),
        "ended": run.state.is_terminal,
    }


def _row(run: Run) -> Values:
    return {
        "id": run.id,
        "release": run.request.release,
        "created_us": micros(run.created_at),
        "request": REQUEST.text(run.request),
        **_changing(run),
    }


def _run(row: Record) -> Run:
    return Run(
        id=RunId(row.id),
        scope=Scope(TenantId(row.tenant), ProjectId(row.project)),
        request=REQUEST.value(row.request),
        created_at=time_of(row.created_us),
        state=RunState(row.state),
        reason=Reason(row.reason),
        message=row.message,
        version=row.version,
        seq=row.seq,
        chain_head=Digest(row.chain_head),
        next_token=row.next_token,
        round=row.round,
        collected=row.collected,
        log=None if row.log is None else Digest(row.log),
        started_at=optional_time_of(row.started_us),
        finished_at=optional_time_of(row.finished_us),
    )
