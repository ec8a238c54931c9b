"""Real-time analytics: every failure into its cluster, every finished run into a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.domain.assessment import Assessment
from harness.domain.attempt import Attempt
from harness.domain.clustering import ALGORITHM, Clusterer, Placement
from harness.domain.failure_cluster import Assignment
from harness.domain.ids import AttemptId, RunId, TestId
from harness.domain.readiness import assess, updated_history
from harness.domain.results import RunResults
from harness.domain.scope import Scope
from harness.domain.signature import sign
from harness.errors import NotFound
from harness.events.envelope import Event
from harness.events.facts import AttemptFinished, Fact, FailureAssigned, RunAssessed, RunFinished
from harness.ports.entropy import Entropy
from harness.ports.records import Records, Transaction
from harness.services.runs import run_results

_BAD = {"failed", "timed_out"}
SMOOTHING = 0.3
"""Weight of the newest duration in a test's expected duration."""


@dataclass(frozen=True, slots=True)
class Analytics:
    """Consumes control events; the same event may come any number of times."""

    records: Records
    entropy: Entropy

    def on_events(self, events: Sequence[Event]) -> None:
        """Act on a batch, one transaction for each run in it."""
        wanted = [event for event in events if _matters(event)]
        wanted.sort(key=lambda event: (event.scope.tenant, event.scope.project, event.run_id))
        for (scope, run_id), of_run in groupby(wanted, key=lambda e: (e.scope, e.run_id)):
            self._on_run(scope, run_id, list(of_run))

    def _on_run(self, scope: Scope, run_id: RunId, events: Sequence[Event]) -> None:
        with self.records.transaction(scope) as tx:
            try:
                run = tx.runs.get(run_id, lock=True)
            except NotFound:
                return
            fresh = [event for event in events if self._is_first(tx, event)]
            failed = [
                tx.attempts.get(AttemptId(str(event.data["attempt_id"])))
                for event in fresh
                if event.type == AttemptFinished.type
            ]
            facts: list[Fact] = list(self._assign(tx, failed))
            if any(event.type == RunFinished.type for event in fresh):
                facts.append(self._assess(tx, run_results(tx, run_id)))
            if facts:
                tx.runs.save(run, facts)

    def _is_first(self, tx: Transaction, event: Event) -> bool:
        mine = self.entropy.new_id()
        return tx.once(f"analytics:{event.id}", mine) == mine

    def _assign(self, tx: Transaction, failed: Sequence[Attempt]) -> Sequence[FailureAssigned]:
        if not failed:
            return ()
        clusterer = Clusterer.of(tx.failures.clusters(ALGORITHM), self.entropy.new_id)
        facts = []
        for attempt in failed:
            failure = attempt.result.failure if attempt.result else None
            if failure is None:
                continue
            placement = clusterer.place(sign(failure, attempt.test_id), tx.now())
            tx.failures.save(placement.cluster)
            tx.failures.assign(_assignment(attempt, placement))
            facts.append(_assigned(attempt, placement))
        return facts

    def _assess(self, tx: Transaction, results: RunResults) -> RunAssessed:
        environment = results.run.request.environment
        name = environment.name if environment else ""
        ids = [test.case.id for test in results.tests]
        histories = tx.tests.histories(name, ids)
        assessment = assess(results, histories)
        tx.assessments.save(results.run_id, assessment)
        durations = _durations(results, tx.tests.seconds(ids))
        tx.tests.remember(name, updated_history(results, histories), durations)
        return _assessed(assessment)


def _matters(event: Event) -> bool:
    if event.type == AttemptFinished.type:
        return event.data["verdict"] in _BAD
    return event.type == RunFinished.type


def _durations(results: RunResults, known: Mapping[TestId, float]) -> Mapping[TestId, float]:
    """Expected durations, moved towards what this run measured."""
    updated = {}
    for test in results.tests:
        measured = [a.result.seconds for a in test.attempts if a.result and a.result.phases]
        if measured:
            before = known.get(test.case.id, measured[-1])
            updated[test.case.id] = before + SMOOTHING * (measured[-1] - before)
    return updated


def _assignment(attempt: Attempt, placement: Placement) -> Assignment:
    return Assignment(
        run_id=attempt.run_id,
        attempt_id=attempt.id,
        test_id=attempt.test_id,
        cluster_id=placement.cluster.id,
        score=placement.score,
        is_new=placement.is_new,
        reason=placement.reason,
        algorithm=ALGORITHM,
    )


def _assigned(attempt: Attempt, placement: Placement) -> FailureAssigned:
    return FailureAssigned(
        attempt_id=attempt.id,
        test_id=attempt.test_id,
        cluster_id=placement.cluster.id,
        title=placement.cluster.title,
        score=placement.score,
        is_new=placement.is_new,
        reason=placement.reason,
        algorithm=ALGORITHM,
    )


def _assessed(assessment: Assessment) -> RunAssessed:
    return RunAssessed(
        readiness=assessment.readiness,
        regression_probability=assessment.regression_probability,
        reasons=list(assessment.reasons),
        algorithm=assessment.algorithm,
    )
