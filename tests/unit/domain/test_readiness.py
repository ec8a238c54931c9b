"""When a run is ready, when it is not, and when nobody can say."""

from dataclasses import replace
from random import Random

import pytest

from harness.domain.assessment import Assessment, Readiness, TestHistory
from harness.domain.attempt import Verdict
from harness.domain.clustering import Clusterer
from harness.domain.failure_cluster import Assignment
from harness.domain.readiness import assess
from harness.domain.regression import RegressionModel, updated_history
from harness.domain.results import RunResults, TestOutcome
from harness.domain.run import RunState
from harness.domain.signature import sign
from tests.unit.domain.values import NOON, a_result, a_run, an_outcome

PASSED, FAILED = a_result(Verdict.PASSED), a_result(Verdict.FAILED)
ERRORED = a_result(Verdict.ERRORED, "worker")
SKIPPED = a_result(Verdict.SKIPPED)
BROKEN_FILE = a_result(Verdict.FAILED, "collect")


def a_suite(*special: TestOutcome, size: int = 20) -> tuple[TestOutcome, ...]:
    return (*special, *(an_outcome(n, PASSED) for n in range(len(special), size)))


def old(tests: tuple[TestOutcome, ...], runs: int = 30, flaky: int = 0) -> list[TestHistory]:
    return [TestHistory(test.case.id, runs, 0, flaky) for test in tests]


def judged(*special: TestOutcome, runs: int = 30, flaky: int = 0) -> Assessment:
    tests = a_suite(*special)
    return assess(RunResults(a_run(), tests), old(tests, runs, flaky))


@pytest.mark.parametrize(
    ("special", "readiness"),
    [
        ((), Readiness.READY),
        ((an_outcome(0, FAILED, PASSED),), Readiness.READY),
        ((an_outcome(0, FAILED, FAILED),), Readiness.NOT_READY),
        ((an_outcome(0, BROKEN_FILE),), Readiness.NOT_READY),
        ((an_outcome(0, a_result(Verdict.TIMED_OUT), FAILED),), Readiness.NOT_READY),
        ((an_outcome(0, ERRORED),), Readiness.INCONCLUSIVE),
        ((an_outcome(0, ERRORED, PASSED),), Readiness.READY),
        ((an_outcome(0, SKIPPED),), Readiness.READY),
        (tuple(an_outcome(n, SKIPPED) for n in range(15)), Readiness.INCONCLUSIVE),
        ((an_outcome(0, FAILED, FAILED), an_outcome(1, ERRORED)), Readiness.NOT_READY),
    ],
)
def test_verdict_with_history(special: tuple[TestOutcome, ...], readiness: Readiness) -> None:
    assert judged(*special).readiness is readiness


def test_all_green_without_history_is_inconclusive_for_want_of_it() -> None:
    assessment = judged(runs=1)
    assert assessment.readiness is Readiness.INCONCLUSIVE
    assert assessment.reasons[0].startswith("For want of history: only 0 of 20 tests")
    assert "The infrastructure failed no test." in assessment.passed_rules
    assert assessment.uncovered == (
        (
            "20 tests (t0.py::test, t1.py::test, t2.py::test and 17 more): "
            "with fewer than 3 earlier runs."
        ),
    )


def test_persistent_failure_comes_first_even_without_history() -> None:
    tests = a_suite(an_outcome(0, FAILED, FAILED))
    assessment = assess(RunResults(a_run(RunState.FAILED), tests), [])
    assert assessment.readiness is Readiness.NOT_READY
    assert assessment.reasons[0].startswith("The probability of a regression is 9")
    assert any("t0.py::test failed 2 times; it has no history" in r for r in assessment.reasons)


def test_known_flake_that_failed_once_is_not_taken_for_a_regression() -> None:
    once = judged(an_outcome(0, FAILED), flaky=12)
    assert once.regression_probability < judged(an_outcome(0, FAILED)).regression_probability / 4


def test_flaky_test_is_explained() -> None:
    said = "Failed first and passed on a later attempt, so probably flaky: 1 test (t0.py::test)."
    assert said in judged(an_outcome(0, FAILED, PASSED)).reasons


def test_evidence_never_reaches_zero() -> None:
    model = RegressionModel()
    assert model.flake_rate(TestHistory(a_suite()[0].case.id, 10_000)) > 0
    assert judged().regression_probability > 0
    assert judged(runs=0).passed_rules[0].endswith("is less than 1 %, below 10 %.")


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.ERRORED, RunState.INCONCLUSIVE])
def test_run_that_did_not_end_well_is_inconclusive(state: RunState) -> None:
    tests = a_suite()
    run = replace(a_run(state), message="the host was lost")
    assessment = assess(RunResults(run, tests), old(tests))
    assert assessment.readiness is Readiness.INCONCLUSIVE
    assert assessment.reasons[0] == f"The run ended {state}: the host was lost"


def test_no_test_is_no_evidence() -> None:
    assessment = assess(RunResults(a_run(), ()), [])
    assert assessment.readiness is Readiness.INCONCLUSIVE
    assert assessment.regression_probability == RegressionModel().broken_run


def test_failures_with_one_cause_are_told_together() -> None:
    tests = a_suite(an_outcome(0, FAILED), an_outcome(1, FAILED))
    clusterer = Clusterer(lambda: "c1")
    failures = []
    for test in tests[:2]:
        failure = FAILED.failure
        assert failure is not None
        placed = clusterer.place(sign(failure, test.case.id), NOON)
        attempt = test.attempts[0]
        failures.append(
            (
                Assignment(attempt.run_id, attempt.id, test.case.id, placed.cluster.id, 1.0,
                           placed.is_new, "", placed.cluster.algorithm),
                placed.cluster,
            )
        )  # fmt: skip
    assessment = assess(RunResults(a_run(RunState.FAILED), tests), old(tests), failures)
    assert assessment.reasons[-1] == (
        "2 tests failed with one probable cause, first seen in this run: "
        "KeyError: no page here — in page.load"
    )


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ((PASSED,), (8, 1, 2)),
        ((FAILED, PASSED), (8, 1, 3)),
        ((FAILED, FAILED), (8, 2, 2)),
        ((SKIPPED,), (7, 1, 2)),
        ((ERRORED,), (7, 1, 2)),
    ],
)
def test_history_grows_by_what_a_test_said(
    results: tuple[object, ...], expected: tuple[int, int, int]
) -> None:
    outcome = an_outcome(0, *results)  # type: ignore[arg-type]  # a table of results
    history = updated_history(TestHistory(outcome.case.id, 7, 1, 2), outcome)
    assert (history.runs, history.failed, history.flaky) == expected


def test_blocks_fewer_good_builds_than_all_green_and_lets_few_bad_ones_through() -> None:
    """Simulated builds of 100 tests, some of which flake at rates like those of real projects."""
    random = Random(7)
    rates = [random.choice((0.002, 0.02, 0.1)) if n % 5 == 0 else 0.0 for n in range(100)]
    histories = [simulated_history(random, n, rate) for n, rate in enumerate(rates)]
    blocked, all_green_blocked, shipped = 0, 0, 0
    for build in range(120):
        broken = build % 100 if build % 2 else None
        tests = tuple(simulated(random, n, rate, broken == n) for n, rate in enumerate(rates))
        ready = assess(RunResults(a_run(), tests), histories).readiness is Readiness.READY
        if broken is None:
            blocked += not ready
            all_green_blocked += any(len(test.attempts) > 1 for test in tests)
        else:
            shipped += ready
    assert all_green_blocked >= 20
    assert blocked < all_green_blocked / 4
    assert shipped < 60 * 0.12


def simulated(random: Random, index: int, rate: float, is_broken: bool) -> TestOutcome:
    fails = 0.98 if is_broken else rate
    if random.random() >= fails:
        return an_outcome(index, PASSED)
    return an_outcome(index, FAILED, PASSED if random.random() >= fails else FAILED)


def simulated_history(random: Random, index: int, rate: float) -> TestHistory:
    flaky = sum(random.random() < rate for _ in range(50))
    return TestHistory(an_outcome(index).case.id, 50, 0, flaky)
