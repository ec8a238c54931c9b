"""From a run's events to clusters, histories and a readiness verdict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.domain.assessment import TestHistory
from harness.domain.attempt import Attempt, Failure, Verdict
from harness.domain.clustering import ALGORITHM, Clusterer
from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.ids import AttemptId, ClusterId, RunId, TestId
from harness.domain.readiness import ReadinessRules, assess
from harness.domain.regression import forgotten_history, updated_history
from harness.domain.results import RunResults, TestOutcome
from harness.domain.run import Run
from harness.domain.scope import Scope
from harness.domain.signature import sign
from harness.errors import NotFound
from harness.events.envelope import Event
from harness.events.facts import (
    AttemptFinished,
    Fact,
    FailureAssigned,
    RunAssessed,
    RunFinished,
    round_of,
)
from harness.ports.entropy import Entropy
from harness.ports.records import Records, Transaction
from harness.services.runs import run_results

NEWEST = 0.3
"""Weight of the newest duration of a test against what was expected."""


@dataclass(slots=True)
class _Work:
    """What the events of one run ask for."""

    attempts: list[AttemptId] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    """That came to their end."""


@dataclass(frozen=True, slots=True)
class Analytics:
    """Handles events; delivered twice, or again after a crash, they change nothing more.

    Each run's share of a batch is one transaction. Two instances must not handle events of one
    project side by side: each would overwrite the other's clusters.
    """

    records: Records
    entropy: Entropy
    rules: ReadinessRules = field(default_factory=ReadinessRules)

    def on_event(self, event: Event) -> None:
        """Handle one event."""
        self.on_events([event])

    def on_events(self, events: Iterable[Event]) -> None:
        """Handle events of any runs; those of other types are passed over."""
        for (scope, run_id), work in _by_run(events).items():
            with self.records.transaction(scope) as tx:
                try:
                    run = tx.runs.get(run_id, lock=True)
                except NotFound:
                    continue  # the run was deleted after it spoke
                self._handle(tx, run, work)

    def _handle(self, tx: Transaction, run: Run, work: _Work) -> None:
        if not work.rounds:
            self._save(tx, run, self._assigned(tx, run, _those(tx, work.attempts)))
            return
        results = run_results(tx, run.id)
        attempts = [attempt for test in results.tests for attempt in test.attempts]
        facts = list(self._assigned(tx, run, attempts))
        for number in work.rounds:
            mark = self.entropy.new_id()
            if tx.once(f"analytics:finished:{run.id}:{number}", mark) == mark:
                facts += self._assessed(tx, results, number)
        self._save(tx, run, facts)

    def _save(self, tx: Transaction, run: Run, facts: Sequence[Fact]) -> None:
        if facts:
            tx.runs.save(run, facts)

    def _assigned(self, tx: Transaction, run: Run, attempts: Sequence[Attempt]) -> Sequence[Fact]:
        """Put each failure that has no cluster yet into one."""
        failed = [a for a in attempts if a.result and a.result.verdict.is_bad]
        if not failed:
            return ()
        done = {each.attempt_id for each, _ in tx.failures.of_run(run.id)}
        waiting = [attempt for attempt in failed if attempt.id not in done]
        if not waiting:
            return ()
        clusterer = Clusterer.of(tx.failures.clusters(ALGORITHM), self.entropy.new_id)
        now = tx.now()
        changed: dict[ClusterId, FailureCluster] = {}
        assignments: list[Assignment] = []
        for attempt in waiting:
            placement = clusterer.place(sign(_failure(attempt), attempt.test_id), now)
            changed[placement.cluster.id] = placement.cluster
            assignments.append(
                Assignment(
                    run_id=run.id,
                    attempt_id=attempt.id,
                    test_id=attempt.test_id,
                    cluster_id=placement.cluster.id,
                    score=round(placement.score, 4),
                    is_new=placement.is_new,
                    reason=placement.reason,
                    algorithm=ALGORITHM,
                )
            )
        for cluster in changed.values():
            tx.failures.save(cluster)
        for assignment in assignments:
            tx.failures.assign(assignment)
        return [_fact(each, changed[each.cluster_id]) for each in assignments]

    def _assessed(self, tx: Transaction, results: RunResults, number: int) -> Sequence[Fact]:
        """Weigh a round's end against what else is known, then remember it.

        A later round takes the place of what the run told before. Only the newest is assessed.
        """
        environment = results.run.request.environment
        name = environment.name if environment else ""
        ids = [test.case.id for test in results.tests]
        now, histories = results.within(range(number + 1)), tx.tests.histories(name, ids)
        if number:
            histories = _forgotten(results.within(range(number)), histories)
        measured = _seconds(results.within(range(number, number + 1)), tx.tests.seconds(ids))
        tx.tests.remember(name, _histories(now, histories), measured)
        if number < results.run.round:
            return ()
        assessment = assess(now, histories, tx.failures.of_run(results.run_id), self.rules)
        tx.assessments.save(results.run_id, assessment)
        fact = RunAssessed(
            readiness=assessment.readiness,
            regression_probability=round(assessment.regression_probability, 6),
            reasons=list(assessment.reasons),
            algorithm=assessment.algorithm,
            round=number,
        )
        return (fact,)


def _by_run(events: Iterable[Event]) -> Mapping[tuple[Scope, RunId], _Work]:
    found: dict[tuple[Scope, RunId], _Work] = {}
    for event in events:
        if event.type == RunFinished.type:
            work = found.setdefault((event.scope, event.run_id), _Work())
            work.rounds.append(round_of(event))
        elif event.type == AttemptFinished.type and Verdict(str(event.data["verdict"])).is_bad:
            attempt_id = AttemptId(str(event.data["attempt_id"]))
            found.setdefault((event.scope, event.run_id), _Work()).attempts.append(attempt_id)
    return found


def _those(tx: Transaction, attempt_ids: Sequence[AttemptId]) -> Sequence[Attempt]:
    return [tx.attempts.get(attempt_id) for attempt_id in dict.fromkeys(attempt_ids)]


def _failure(attempt: Attempt) -> Failure:
    result = attempt.result
    told = result.failure if result else None
    return told or Failure(str(result.verdict) if result else "failed", "")


def _fact(assignment: Assignment, cluster: FailureCluster) -> FailureAssigned:
    return FailureAssigned(
        attempt_id=assignment.attempt_id,
        test_id=assignment.test_id,
        cluster_id=cluster.id,
        title=cluster.title,
        score=assignment.score,
        is_new=assignment.is_new,
        reason=assignment.reason,
        algorithm=assignment.algorithm,
    )


def _forgotten(before: RunResults, known: Sequence[TestHistory]) -> Sequence[TestHistory]:
    """What is known without what the run's own earlier rounds told."""
    tests = {test.case.id: test for test in before.tests}
    return [forgotten_history(history, tests[history.test_id]) for history in known]


def _histories(results: RunResults, known: Sequence[TestHistory]) -> Sequence[TestHistory]:
    of_test = {history.test_id: history for history in known}
    for test in results.tests:
        before = of_test.get(test.case.id, TestHistory(test.case.id))
        of_test[test.case.id] = updated_history(before, test)
    return [history for history in of_test.values() if history.runs]


def _seconds(results: RunResults, known: Mapping[TestId, float]) -> Mapping[TestId, float]:
    measured = {test.case.id: _last_seconds(test) for test in results.tests}
    return {
        test_id: seconds + (1 - NEWEST) * (known.get(test_id, seconds) - seconds)
        for test_id, seconds in measured.items()
        if seconds is not None
    }


def _last_seconds(test: TestOutcome) -> float | None:
    """Of the last attempt that came to an end of its own."""
    own = [
        attempt.result.seconds
        for attempt in test.attempts
        if attempt.result and attempt.result.verdict not in {Verdict.ERRORED, Verdict.CANCELLED}
    ]
    return own[-1] if own else None
