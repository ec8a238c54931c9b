"""Weighs a run's evidence: is one of its failures a real regression, or are they flakes?

Each failing test is explained by one of two hypotheses. A regression fails every attempt; a flaky
test fails each attempt independently at its own rate, whose posterior comes from its history. All
tests green is not required, and no pass rate decides: both ship bad builds or block good ones.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.domain.assessment import Assessment, Readiness, TestHistory
from harness.domain.attempt import Verdict
from harness.domain.ids import TestId
from harness.domain.results import RunResults, TestOutcome
from harness.domain.run import RunState

ALGORITHM = "bayes-1"
LISTED = 5


@dataclass(frozen=True, slots=True)
class ReadinessRules:
    """Thresholds and priors of the verdict."""

    ready_below: float = 0.1
    """Largest probability of a regression with which a release is ready."""
    not_ready_from: float = 0.9
    """Smallest probability of a regression with which it is not."""
    min_runs: int = 3
    """Earlier runs of most tests without which nothing is called ready."""
    regression_prior: float = 0.01
    """Probability that a build breaks a given test."""
    regression_fails: float = 0.98
    """Probability that an attempt of a broken test fails."""
    flake_failures: float = 0.2
    """Prior Beta distribution of flake rates: pseudo-failures …"""
    flake_passes: float = 19.8
    """… and pseudo-passes; together a mean of 1 %."""


def assess(
    results: RunResults,
    histories: Iterable[TestHistory],
    rules: ReadinessRules = ReadinessRules(),  # frozen
) -> Assessment:
    """The readiness verdict of one run, with its evidence; costs one pass over the tests."""
    known = {history.test_id: history for history in histories}
    suspects = _suspects(results, known, rules)
    probability = 1 - math.prod(1 - suspect for suspect in suspects.values())
    doubts = _doubts(results, known, rules)
    readiness = _verdict(probability, doubts, rules)
    return Assessment(
        readiness=readiness,
        regression_probability=probability,
        reasons=(*_regressions(suspects, rules), *_flakes(results, suspects, rules), *doubts)
        or (f"All {len(results.tests)} tests passed and their history is known.",),
        passed_rules=tuple(_passed(probability, doubts, rules)),
        uncovered=tuple(_uncovered(results, known)),
        evidence={
            "tests": len(results.tests),
            "failed": _count(results, Verdict.FAILED) + _count(results, Verdict.TIMED_OUT),
            "flaky": _count(results, Verdict.FLAKY),
            "with_history": sum(test.case.id in known for test in results.tests),
            "regression_probability": probability,
        },
        algorithm=ALGORITHM,
    )


def updated_history(results: RunResults, histories: Iterable[TestHistory]) -> Sequence[TestHistory]:
    """The histories of the run's tests after it; tests without a verdict of their own are left."""
    known = {history.test_id: history for history in histories}
    updated = []
    for test in results.tests:
        verdict = test.verdict
        if verdict is None or verdict in {Verdict.ERRORED, Verdict.CANCELLED, Verdict.SKIPPED}:
            continue
        before = known.get(test.case.id, TestHistory(test.case.id))
        updated.append(
            replace(
                before,
                runs=before.runs + 1,
                failed=before.failed + verdict.is_bad,
                flaky=before.flaky + (verdict is Verdict.FLAKY),
            )
        )
    return updated


def _suspects(
    results: RunResults, known: Mapping[TestId, TestHistory], rules: ReadinessRules
) -> Mapping[TestId, float]:
    """Posterior probability of a regression, for each test with a failed attempt."""
    found: dict[TestId, float] = {}
    for test in results.tests:
        failed, passed = _attempts(test)
        if failed:
            history = known.get(test.case.id, TestHistory(test.case.id))
            found[test.case.id] = _posterior(failed, passed, history, rules)
    return found


def _posterior(failed: int, passed: int, history: TestHistory, rules: ReadinessRules) -> float:
    pseudo = rules.flake_failures + rules.flake_passes
    rate = (rules.flake_failures + history.flaky) / (pseudo + history.runs)
    regressed = rules.regression_fails**failed * (1 - rules.regression_fails) ** passed
    flaked = rate**failed * (1 - rate) ** passed
    weight = rules.regression_prior * regressed
    return weight / (weight + (1 - rules.regression_prior) * flaked)


def _attempts(test: TestOutcome) -> tuple[int, int]:
    verdicts = [attempt.result.verdict for attempt in test.attempts if attempt.result]
    return sum(v.is_bad for v in verdicts), sum(v is Verdict.PASSED for v in verdicts)


def _verdict(probability: float, doubts: Sequence[str], rules: ReadinessRules) -> Readiness:
    if probability >= rules.not_ready_from:
        return Readiness.NOT_READY
    if doubts or probability >= rules.ready_below:
        return Readiness.INCONCLUSIVE
    return Readiness.READY


def _doubts(
    results: RunResults, known: Mapping[TestId, TestHistory], rules: ReadinessRules
) -> Sequence[str]:
    doubts = []
    judged = [t for t in results.tests if t.verdict not in {None, Verdict.SKIPPED}]
    if not judged:
        doubts.append("No test ran to a verdict.")
    for verdict, what in ((Verdict.ERRORED, "by the infrastructure"), (Verdict.CANCELLED, "early")):
        count = _count(results, verdict)
        if count:
            doubts.append(f"{count} of {len(results.tests)} tests were ended {what}.")
    if results.run.state not in {RunState.PASSED, RunState.FAILED} and judged:
        doubts.append(f"The run ended {results.run.state}.")
    seasoned = sum(
        known[test.case.id].runs >= rules.min_runs for test in judged if test.case.id in known
    )
    if judged and seasoned < len(judged) / 2:
        doubts.append(
            f"{seasoned} of {len(judged)} tests have a history of {rules.min_runs} runs or more: "
            "not enough evidence of what their passing means."
        )
    return doubts


def _regressions(suspects: Mapping[TestId, float], rules: ReadinessRules) -> Sequence[str]:
    worst = sorted(suspects.items(), key=lambda pair: (-pair[1], pair[0]))
    likely = [pair for pair in worst if pair[1] >= rules.ready_below]
    sentences = [
        f"{test_id} fails as a regression would (probability {probability:.0%})."
        for test_id, probability in likely[:LISTED]
    ]
    if len(likely) > LISTED:
        sentences.append(f"So do {len(likely) - LISTED} more tests.")
    return sentences


def _flakes(
    results: RunResults, suspects: Mapping[TestId, float], rules: ReadinessRules
) -> Sequence[str]:
    flaky = [
        test.case.id
        for test in results.tests
        if test.verdict is Verdict.FLAKY and suspects[test.case.id] < rules.ready_below
    ]
    return [f"{test_id} failed and then passed: flaky." for test_id in flaky[:LISTED]]


def _passed(probability: float, doubts: Sequence[str], rules: ReadinessRules) -> Sequence[str]:
    passed = []
    if probability < rules.ready_below:
        passed.append(
            f"The probability of a regression is {probability:.1%}, below {rules.ready_below:.0%}."
        )
    if not doubts:
        passed.append("Every test came to a verdict, and most have a history.")
    return passed


def _uncovered(results: RunResults, known: Mapping[TestId, TestHistory]) -> Sequence[str]:
    found = []
    for verdict in (Verdict.SKIPPED, Verdict.ERRORED, Verdict.CANCELLED):
        count = _count(results, verdict)
        if count:
            found.append(f"{count} tests were {verdict}.")
    new = sum(test.case.id not in known for test in results.tests)
    if new:
        found.append(f"{new} tests have no history: their flake rate is unknown, not 0 %.")
    return found


def _count(results: RunResults, verdict: Verdict) -> int:
    return sum(test.verdict is verdict for test in results.tests)
