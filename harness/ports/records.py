"""The record store: the truth, changed in transactions that belong to one scope."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from harness.domain.assessment import Assessment, TestHistory
from harness.domain.attempt import ArtifactRef, Attempt, AttemptResult, AttemptState
from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.ids import AttemptId, EventId, HostId, LeaseId, RunId, TenantId, TestId
from harness.domain.lease import Lease
from harness.domain.principal import Principal
from harness.domain.quarantine import Quarantine
from harness.domain.quota import QuotaName
from harness.domain.run import Run, RunState
from harness.domain.scope import Scope
from harness.domain.suite import TestCase
from harness.events.envelope import Event
from harness.events.facts import Fact
from harness.ports.policies import ModelServerStore, PolicyStore


class RunStore(Protocol):
    """Runs and their control events, which only ever change together."""

    def add(self, run: Run, facts: Sequence[Fact]) -> Run:
        """Store a new run with its first facts; gives it as stored.

        Raises:
            Conflict: the scope has a run of this id.
        """
        ...

    def get(self, run_id: RunId, *, lock: bool = False) -> Run:
        """The run; with `lock`, no other transaction changes it before this one ends.

        Raises:
            NotFound: no such run in the scope.
        """
        ...

    def save(self, run: Run, facts: Sequence[Fact] = ()) -> Run:
        """Replace the run if its stored version is still `run.version`, and append the facts.

        Each fact becomes an event: next seq, chained hash, the store's clock, and a place in
        the outbox, all in this transaction. Gives the run as stored.

        Raises:
            Conflict: the run changed meanwhile.
        """
        ...

    def page(
        self, *, before: RunId | None = None, limit: int = 50, state: RunState | None = None
    ) -> Sequence[Run]:
        """Runs of the scope, newest first, older than `before`."""
        ...

    def events(self, run_id: RunId, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """The run's events with a seq above `after`, in order."""
        ...

    def of_release(self, release: str, *, limit: int = 100) -> Sequence[Run]:
        """Runs of the scope that judge this release, newest first."""
        ...


class TestStore(Protocol):
    """The TestCases of runs, and what a project remembers of them."""

    def add(self, run_id: RunId, cases: Sequence[TestCase]) -> None:
        """Store what was collected."""
        ...

    def of_run(self, run_id: RunId) -> Sequence[TestCase]:
        """In the order of collection."""
        ...

    def seconds(self, test_ids: Collection[TestId]) -> Mapping[TestId, float]:
        """Expected duration of those tests that the project ever measured."""
        ...

    def histories(self, environment: str, test_ids: Collection[TestId]) -> Sequence[TestHistory]:
        """What earlier runs against the environment saw; tests without history are left out."""
        ...

    def remember(
        self, environment: str, histories: Sequence[TestHistory], seconds: Mapping[TestId, float]
    ) -> None:
        """Replace the histories and durations of these tests."""
        ...


class AttemptStore(Protocol):
    """Attempts, moved only by compare-and-set."""

    def add(self, attempts: Sequence[Attempt]) -> None:
        """Store new, queued attempts."""
        ...

    def of_run(self, run_id: RunId, *, state: AttemptState | None = None) -> Sequence[Attempt]:
        """By test index, then number."""
        ...

    def get(self, attempt_id: AttemptId) -> Attempt:
        """One attempt.

        Raises:
            NotFound: no such attempt in the scope.
        """
        ...

    def lease(self, attempt_ids: Sequence[AttemptId], lease_id: LeaseId) -> Sequence[AttemptId]:
        """Those that were queued and are now leased, in the order given."""
        ...

    def finish(
        self, results: Mapping[AttemptId, AttemptResult], lease_id: LeaseId | None
    ) -> Sequence[AttemptId]:
        """Those that stood under this lease (None: were queued) and are now finished."""
        ...

    def release(self, lease_id: LeaseId) -> Sequence[Attempt]:
        """Put the lease's unfinished attempts back into the queue; gives them."""
        ...


class LeaseStore(Protocol):
    """Leases; their time is the record store's own."""

    def grant(self, run: Run, host: HostId, seconds: float) -> Lease:
        """A new lease with token `run.next_token`; the caller saves the run with the next one.

        Raises:
            Conflict: the host has an active lease of the run, or the token was given already.
        """
        ...

    def renew(self, lease_ids: Collection[LeaseId], seconds: float) -> Sequence[LeaseId]:
        """Those that are active still; they now last `seconds` from now."""
        ...

    def get(self, lease_id: LeaseId) -> Lease:
        """The lease, locked, if it is active.

        Raises:
            Fenced: it has ended or has expired.
        """
        ...

    def of_run(self, run_id: RunId) -> Sequence[Lease]:
        """The run's leases that were not ended, expired or not."""
        ...

    def end(self, lease_id: LeaseId) -> None:
        """Nobody may write under it any more."""
        ...


class FailureStore(Protocol):
    """Failure clusters of a project, and the assignments of a run."""

    def clusters(self, algorithm: str, *, limit: int = 1000) -> Sequence[FailureCluster]:
        """Most recently seen first."""
        ...

    def save(self, cluster: FailureCluster) -> None:
        """Insert or replace."""
        ...

    def assign(self, assignment: Assignment) -> None:
        """Remember where an attempt belongs; once per attempt and algorithm."""
        ...

    def of_run(self, run_id: RunId) -> Sequence[tuple[Assignment, FailureCluster]]:
        """The run's assignments, in order of assignment."""
        ...


class AssessmentStore(Protocol):
    """Readiness verdicts by run."""

    def save(self, run_id: RunId, assessment: Assessment) -> None:
        """Insert or replace."""
        ...

    def of_run(self, run_id: RunId) -> Assessment | None:
        """None while the run was not assessed."""
        ...

    def forget(self, run_id: RunId) -> None:
        """The run is to be assessed again."""
        ...


class QuarantineStore(Protocol):
    """Tests that run without gating."""

    def list(self) -> Sequence[Quarantine]:
        """By pattern."""
        ...

    def put(self, quarantine: Quarantine) -> None:
        """Insert, or replace the one of the same pattern."""
        ...

    def remove(self, pattern: str) -> bool:
        """Whether there was one."""
        ...


class QuotaStore(Protocol):
    """The limits of the scope's tenant, over all of its projects."""

    def capacity(self, name: QuotaName) -> int | None:
        """What was set, None if nothing was.

        Locked: of those who ask for the same limit of the same tenant, one proceeds at a time.
        """
        ...

    def set(self, name: QuotaName, capacity: int | None) -> None:
        """Limit the tenant; None goes back to what the installation says."""
        ...

    def active_runs(self) -> int:
        """How many of the tenant's runs have not ended, as others committed them by now."""
        ...


class Transaction(Protocol):
    """All or nothing, within one scope; unavailable outside its `with` block."""

    @property
    def runs(self) -> RunStore:
        """Runs and their events."""
        ...

    @property
    def tests(self) -> TestStore:
        """TestCases and what is remembered of them."""
        ...

    @property
    def attempts(self) -> AttemptStore:
        """Attempts."""
        ...

    @property
    def leases(self) -> LeaseStore:
        """Leases."""
        ...

    @property
    def failures(self) -> FailureStore:
        """Failure clusters."""
        ...

    @property
    def assessments(self) -> AssessmentStore:
        """Readiness verdicts."""
        ...

    @property
    def quarantines(self) -> QuarantineStore:
        """Tests that run without gating."""
        ...

    @property
    def quotas(self) -> QuotaStore:
        """Limits of the tenant."""
        ...

    @property
    def policies(self) -> PolicyStore:
        """What the tenant's work may do."""
        ...

    @property
    def model_servers(self) -> ModelServerStore:
        """Whom the tenant's agents may ask."""
        ...

    def now(self) -> datetime:
        """The record store's clock, UTC."""
        ...

    def once(self, key: str, value: str) -> str:
        """Remember `value` under `key` if nothing stands there; gives what stands there.

        Serves Idempotency-Key and the deduplication of deliveries.
        """
        ...

    def link(self, run_id: RunId, artifacts: Sequence[ArtifactRef]) -> None:
        """The run owns these artifacts; a later one of the same name replaces the earlier."""
        ...

    def artifacts(self, run_id: RunId) -> Sequence[ArtifactRef]:
        """What the run owns, by name."""
        ...


class Records(Protocol):
    """The record store itself."""

    def transaction(self, scope: Scope) -> AbstractContextManager[Transaction]:
        """Commits at the end of the block, rolls back when it raises.

        Reading waits for nobody, and what was read may change until the block ends. So decide on
        what was read with `lock`, or let the store compare (`save`, `lease`, `finish`, `once`).

        Raises:
            InvalidInput: a text is no Unicode (it has lone surrogates).
            NotFound: what a new record belongs to is not in the scope.
            Unavailable: the store does not answer or was busy for too long.
            StorageFull: no room is left; nothing was changed.
        """
        ...

    def active_runs(self) -> Sequence[Run]:
        """Runs of all tenants that have not ended, oldest first."""
        ...

    def capacities(self, name: QuotaName) -> Mapping[TenantId, int]:
        """What was set for each tenant."""
        ...

    def lease(self, lease_id: LeaseId) -> tuple[Scope, Lease] | None:
        """A lease of any tenant, ended or not; None if there never was one."""
        ...

    def expired_leases(self) -> Sequence[tuple[Scope, Lease]]:
        """Leases of all tenants whose time is over and that were not ended."""
        ...

    def outbox(self, limit: int) -> Sequence[Event]:
        """Events of all tenants that were not published, in order per run."""
        ...

    def published(self, event_ids: Sequence[EventId]) -> None:
        """Take these out of the outbox."""
        ...

    def principal(self, key_hash: str) -> Principal | None:
        """Whose API key has this keyed hash."""
        ...

    def add_key(self, key_hash: str, principal: Principal) -> None:
        """Store an API key; replaces the principal of the same hash."""
        ...

    def close(self) -> None:
        """Give back every connection."""
        ...
