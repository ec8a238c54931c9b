"""Runs as their users see them: submit, look, follow, cancel."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from harness.domain.assessment import Assessment
from harness.domain.attempt import ArtifactRef, Attempt
from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.ids import AttemptId, RunId, TestId
from harness.domain.principal import Principal
from harness.domain.queue import in_turn
from harness.domain.request_check import check_request
from harness.domain.rerun import tests_to_rerun
from harness.domain.results import RunResults, TestOutcome
from harness.domain.run import Reason, Run, RunRequest, RunState
from harness.domain.scope import Scope
from harness.errors import Conflict, NotFound
from harness.events.envelope import Event
from harness.events.facts import (
    AttemptsQueued,
    CancelRequested,
    Fact,
    RunFinished,
    RunReopened,
    RunSubmitted,
)
from harness.ports.artifacts import ArtifactStore
from harness.ports.doorbell import Doorbell
from harness.ports.entropy import Entropy
from harness.ports.records import Records, Transaction
from harness.services.quotas import Quotas
from harness.services.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Runs:
    """Everything a user does with runs, within one scope at a time."""

    records: Records
    artifacts: ArtifactStore
    entropy: Entropy
    doorbell: Doorbell
    quotas: Quotas
    secrets: Secrets

    def submit(
        self, scope: Scope, request: RunRequest, by: Principal, idempotency_key: str | None = None
    ) -> Run:
        """Accept a run: the run and its first event are one transaction.

        The same idempotency key gives the same run, whatever happened in between.

        Raises:
            InvalidInput: the request cannot be executed as it stands.
            Conflict: the key was used for a different request.
            QuotaExceeded: the tenant has as many runs under way as it may.
        """
        self._check(scope, request)
        with self.records.transaction(scope) as tx:
            run_id = RunId(self.entropy.new_id())
            if idempotency_key:
                known = RunId(tx.once(f"submit:{idempotency_key}", run_id))
                if known != run_id:
                    return _same(tx.runs.get(known), request, idempotency_key)
            self.quotas.admit(tx, scope.tenant)
            run = Run(id=run_id, scope=scope, request=request, created_at=tx.now())
            run = tx.runs.add(run, [_submitted(request, by)])
        self.doorbell.ring()
        return run

    def get(self, scope: Scope, run_id: RunId) -> Run:
        """One run.

        Raises:
            NotFound: no such run in the scope.
        """
        with self.records.transaction(scope) as tx:
            return tx.runs.get(run_id)

    def page(
        self,
        scope: Scope,
        *,
        before: RunId | None = None,
        limit: int = 50,
        state: RunState | None = None,
    ) -> Sequence[Run]:
        """Runs of the scope, newest first, older than `before`."""
        with self.records.transaction(scope) as tx:
            return tx.runs.page(before=before, limit=limit, state=state)

    def place(self, run: Run) -> int | None:
        """How many runs are served before this one, about; None when it does not wait."""
        if not run.is_waiting:
            return None
        active = self.records.active_runs()
        used = Counter(each.scope.tenant for each in active if not each.is_waiting)
        waiting = [each.id for each in in_turn(active, used) if each.is_waiting]
        return waiting.index(run.id) if run.id in waiting else None

    def events(
        self, scope: Scope, run_id: RunId, *, after: int = 0, limit: int = 1000
    ) -> Sequence[Event]:
        """The run's events above seq `after`, in order.

        Raises:
            NotFound: no such run in the scope.
        """
        with self.records.transaction(scope) as tx:
            tx.runs.get(run_id)
            return tx.runs.events(run_id, after=after, limit=limit)

    def results(self, scope: Scope, run_id: RunId) -> RunResults:
        """The run with its tests and attempts, as far as they are known.

        Raises:
            NotFound: no such run in the scope.
        """
        with self.records.transaction(scope) as tx:
            return run_results(tx, run_id)

    def failures(self, scope: Scope, run_id: RunId) -> Sequence[tuple[Assignment, FailureCluster]]:
        """The run's failures with the clusters they belong to."""
        with self.records.transaction(scope) as tx:
            tx.runs.get(run_id)
            return tx.failures.of_run(run_id)

    def assessment(self, scope: Scope, run_id: RunId) -> Assessment | None:
        """The readiness verdict; None until the run was assessed."""
        with self.records.transaction(scope) as tx:
            tx.runs.get(run_id)
            return tx.assessments.of_run(run_id)

    def artifact_refs(self, scope: Scope, run_id: RunId) -> Sequence[ArtifactRef]:
        """What the run left behind, by name."""
        with self.records.transaction(scope) as tx:
            tx.runs.get(run_id)
            return tx.artifacts(run_id)

    def cancel(self, scope: Scope, run_id: RunId, by: Principal, why: str = "") -> Run:
        """Ask the run to stop; gives it as it stands now. A run that ended stays as it is."""
        with self.records.transaction(scope) as tx:
            run = tx.runs.get(run_id, lock=True)
            if run.state.is_terminal or run.state is RunState.CANCELLING:
                return run
            asked = CancelRequested(by=by.name, why=why)
            if run.state is RunState.SUBMITTED:
                ended = replace(run.moved(RunState.CANCELLED, Reason.USER), finished_at=tx.now())
                run = tx.runs.save(ended, [asked, _never_started(ended)])
            else:
                run = tx.runs.save(run.moved(RunState.CANCELLING, Reason.USER), [asked])
        self.doorbell.ring()
        return run

    def rerun(
        self,
        scope: Scope,
        run_id: RunId,
        by: Principal,
        tests: Sequence[TestId] = (),
        idempotency_key: str | None = None,
    ) -> Run:
        """Reopen a run that ended: attempt these tests again, or all that did not pass.

        The new attempts join the earlier ones, and the run comes to its end once more. The same
        idempotency key reopens it once.

        Raises:
            Conflict: the run has not ended.
            InvalidInput: there is nothing to attempt again, or a test cannot be.
            NotFound: no such run in the scope.
            QuotaExceeded: the tenant has as many runs under way as it may.
        """
        with self.records.transaction(scope) as tx:
            run = tx.runs.get(run_id, lock=True)
            mark = f"{run_id}:{run.round + 1}"
            if idempotency_key and tx.once(f"rerun:{idempotency_key}", mark) != mark:
                return run
            reopened = run.reopened()
            self.quotas.admit(tx, scope.tenant)
            chosen = tests_to_rerun(run_results(tx, run_id), tests)
            tx.attempts.add([self._another(reopened, test) for test in chosen])
            tx.assessments.forget(run_id)
            run = tx.runs.save(reopened, _reopened(reopened, chosen, by))
        self.doorbell.ring()
        return run

    def _another(self, run: Run, test: TestOutcome) -> Attempt:
        number = 1 + max((attempt.number for attempt in test.attempts), default=0)
        attempt_id = AttemptId(self.entropy.new_id())
        case = test.case
        return Attempt(attempt_id, run.id, case.id, case.index, number, round=run.round)

    def _check(self, scope: Scope, request: RunRequest) -> None:
        check_request(request)
        if not self.artifacts.has(scope, request.suite.digest):
            raise NotFound(
                f"No suite archive {request.suite.digest} was uploaded to this project. "
                "Upload it first (PUT …/suites/DIGEST)."
            )
        self.secrets.check(scope, request)


def run_results(tx: Transaction, run_id: RunId) -> RunResults:
    """A run's results, read within a transaction."""
    run = tx.runs.get(run_id)
    attempts: dict[int, list[Attempt]] = {
        index: list(group)
        for index, group in groupby(tx.attempts.of_run(run_id), key=lambda a: a.test_index)
    }
    cases = tx.tests.of_run(run_id)
    return RunResults(
        run, tuple(TestOutcome(case, tuple(attempts.get(case.index, ()))) for case in cases)
    )


def _reopened(run: Run, chosen: Sequence[TestOutcome], by: Principal) -> Sequence[Fact]:
    indexes = [test.case.index for test in chosen]
    return (
        RunReopened(by=by.name, round=run.round, tests=indexes),
        AttemptsQueued(count=len(indexes), why="rerun", tests=indexes),
    )


def _submitted(request: RunRequest, by: Principal) -> RunSubmitted:
    origin = request.suite.origin
    return RunSubmitted(
        suite=request.suite.digest,
        command=list(request.argv),
        environment=request.environment.name if request.environment else None,
        submitted_by=by.name,
        origin=f"{origin.url}@{origin.commit}" if origin else "",
    )


def _never_started(run: Run) -> RunFinished:
    return RunFinished(
        state=run.state, reason=run.reason, message=run.message, counts={}, seconds=0.0
    )


def _same(run: Run, request: RunRequest, key: str) -> Run:
    if run.request != request:
        raise Conflict(
            f"The idempotency key {key!r} was used for another request (run {run.id}). "
            "Use a new key for a new request."
        )
    return run
