"""Analytics over a real record store."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.assessment import Readiness, TestHistory
from harness.domain.attempt import AttemptResult, AttemptState, Verdict
from harness.domain.ids import RunId
from harness.domain.results import TestOutcome
from harness.domain.run import RunState
from harness.domain.scope import DEFAULT_SCOPE
from harness.events.envelope import Event, verify_chain
from harness.events.facts import AttemptFinished, Fact, FailureAssigned, RunAssessed, RunFinished
from harness.services.analytics import Analytics
from harness.stores.sql.records import SqlRecords
from tests.fakes.entropy import FakeEntropy
from tests.unit.domain.values import a_result, a_run, an_outcome

PASSED, FAILED = a_result(Verdict.PASSED), a_result(Verdict.FAILED)
OTHER = a_result(Verdict.FAILED, cause="disk")


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqlRecords]:
    with closing(SqlRecords(f"sqlite:///{tmp_path / 'r.db'}", FakeEntropy("r"))) as records:
        records.migrate()
        yield records


def a_finished_run(
    records: SqlRecords, tests: Sequence[TestOutcome], name: str = "run1"
) -> Sequence[Event]:
    """Store a run as the scheduler leaves it; gives its events."""
    run = replace(a_run(RunState.FAILED), id=RunId(name))
    attempts = [
        replace(a, run_id=run.id, id=type(a.id)(f"{name}-{a.id}"))
        for test in tests
        for a in test.attempts
    ]
    with records.transaction(DEFAULT_SCOPE) as tx:
        run = tx.runs.add(run, [finished(a.id, a.test_index, a.result) for a in attempts])
        tx.tests.add(run.id, [test.case for test in tests])
        queued = [replace(a, state=AttemptState.QUEUED, result=None) for a in attempts]
        tx.attempts.add(queued)
        tx.attempts.finish({a.id: a.result for a in attempts if a.result}, None)
        tx.runs.save(run, [RunFinished("failed", "", "", {}, 1.0)])
        return tx.runs.events(run.id)


def finished(attempt_id: str, index: int, result: AttemptResult | None) -> Fact:
    verdict = result.verdict if result else Verdict.ERRORED
    return AttemptFinished(attempt_id, f"t{index}.py::test", index, 1, verdict, 1.0, "w")


def new_events(records: SqlRecords, before: Sequence[Event], name: str = "run1") -> list[str]:
    with records.transaction(DEFAULT_SCOPE) as tx:
        events = tx.runs.events(RunId(name))
    verify_chain(events)
    return [event.type for event in events[len(before) :]]


TESTS = (an_outcome(0, FAILED, FAILED), an_outcome(1, OTHER, PASSED), an_outcome(2, PASSED))


def test_finished_run_is_clustered_assessed_and_remembered(records: SqlRecords) -> None:
    events = a_finished_run(records, TESTS)
    Analytics(records, FakeEntropy()).on_events(events)
    assert new_events(records, events) == [FailureAssigned.type] * 3 + [RunAssessed.type]
    with records.transaction(DEFAULT_SCOPE) as tx:
        clusters = [cluster.id for _, cluster in tx.failures.of_run(RunId("run1"))]
        assessment = tx.assessments.of_run(RunId("run1"))
        ids = [test.case.id for test in TESTS]
        histories = sorted(tx.tests.histories("stable", ids), key=lambda each: each.test_id)
        assert tx.tests.seconds(ids) == dict.fromkeys(ids, 1.0)
    assert clusters[0] == clusters[1] != clusters[2]
    assert assessment is not None
    assert assessment.readiness is Readiness.NOT_READY
    assert histories == [
        TestHistory(ids[0], 1, 1, 0),
        TestHistory(ids[1], 1, 0, 1),
        TestHistory(ids[2], 1, 0, 0),
    ]


def test_failures_are_assigned_while_the_run_goes_on(records: SqlRecords) -> None:
    events = a_finished_run(records, TESTS)
    analytics = Analytics(records, FakeEntropy())
    analytics.on_event(events[0])
    assert new_events(records, events) == [FailureAssigned.type]
    analytics.on_event(events[-1])
    assert new_events(records, events) == [FailureAssigned.type] * 3 + [RunAssessed.type]


def test_events_delivered_again_change_nothing(records: SqlRecords) -> None:
    events = a_finished_run(records, TESTS)
    for entropy in (FakeEntropy("a"), FakeEntropy("b")):
        Analytics(records, entropy).on_events(events)
        Analytics(records, entropy).on_event(events[0])
    assert len(new_events(records, events)) == 4
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert [c.size for _, c in tx.failures.of_run(RunId("run1"))] == [2, 2, 1]
        assert tx.tests.histories("stable", [TESTS[2].case.id])[0].runs == 1


def test_crash_in_the_middle_leaves_nothing_half_done(records: SqlRecords) -> None:
    events = a_finished_run(records, TESTS)
    with pytest.raises(PowerCut):
        Analytics(records, FailingEntropy(after=2)).on_events(events)
    assert new_events(records, events) == []
    Analytics(records, FakeEntropy("b")).on_events(events)
    assert len(new_events(records, events)) == 4


def test_later_runs_join_known_clusters(records: SqlRecords) -> None:
    for name in ("run1", "run2"):
        events = a_finished_run(records, TESTS, name)
        Analytics(records, FakeEntropy(name)).on_events(events)
    with records.transaction(DEFAULT_SCOPE) as tx:
        first, second = (tx.failures.of_run(RunId(name)) for name in ("run1", "run2"))
        assert [c.id for _, c in first] == [c.id for _, c in second]
        assert [a.is_new for a, _ in second] == [False, False, False]
        assert tx.tests.histories("stable", [TESTS[0].case.id])[0].failed == 2


def test_a_thousand_events_cost_one_transaction_per_run(records: SqlRecords) -> None:
    tests = [an_outcome(n, FAILED) for n in range(500)]
    events = [*a_finished_run(records, tests), *a_finished_run(records, tests, "run2")]
    counting = CountingRecords(records)
    Analytics(counting, FakeEntropy()).on_events(events)  # type: ignore[arg-type]  # only counts
    assert counting.transactions == 2


def test_runs_that_are_gone_are_passed_over(records: SqlRecords) -> None:
    events = a_finished_run(records, TESTS)
    Analytics(records, FakeEntropy()).on_event(replace(events[-1], run_id=RunId("gone")))
    assert new_events(records, events) == []


class PowerCut(Exception):
    """The process ends here."""


class FailingEntropy(FakeEntropy):
    """Fails when asked for more ids than `after`."""

    def __init__(self, after: int) -> None:
        super().__init__("x")
        self._left = after

    def new_id(self) -> str:
        self._left -= 1
        if self._left < 0:
            raise PowerCut
        return super().new_id()


class CountingRecords:
    """Counts the transactions of another record store."""

    def __init__(self, records: SqlRecords) -> None:
        self._records = records
        self.transactions = 0

    def transaction(self, scope):  # type: ignore[no-untyped-def]  # passes through
        self.transactions += 1
        return self._records.transaction(scope)
