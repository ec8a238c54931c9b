"""A run's readiness verdict: what failed, how surely, and what the run could not tell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.domain.assessment import Assessment, Readiness, TestHistory
from harness.domain.attempt import Verdict
from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.ids import TestId
from harness.domain.percent import percent
from harness.domain.regression import RegressionModel, any_regression, cannot_be_collected
from harness.domain.results import RunResults, TestOutcome
from harness.domain.run import RunState

ALGORITHM = "readiness-1"
NAMED = 3
"""How many tests or clusters a sentence names."""

Failures = Sequence[tuple[Assignment, FailureCluster]]


@dataclass(frozen=True, slots=True)
class ReadinessRules:
    """When a run is ready, when it is not, and when nobody can say."""

    ready_below: float = 0.1
    """Probability of a regression under which a run may be ready."""
    not_ready_from: float = 0.5
    """Probability of a regression from which it is not; between the two nobody can say."""
    history_runs: int = 3
    """Earlier runs that make a history."""
    with_history: float = 0.5
    """Share of the executed tests that must have one."""
    executed: float = 0.5
    """Share of the tests that must come to an end of their own."""
    model: RegressionModel = field(default_factory=RegressionModel)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What was found out about each test, before rules are applied."""

    results: RunResults
    rules: ReadinessRules
    histories: Mapping[TestId, TestHistory]
    probability: float
    suspects: Sequence[tuple[float, TestOutcome]]
    """Tests that failed, the surest first."""
    executed: Sequence[TestOutcome]
    errored: Sequence[TestOutcome]
    skipped: Sequence[TestOutcome]
    never_run: Sequence[TestOutcome]
    flaky: Sequence[TestOutcome]
    young: Sequence[TestOutcome]
    """Executed tests with too little history."""
    quarantined: Sequence[TestOutcome]
    """They are in none of the others."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """A rule, applied: it holds, or it says what the run is instead."""

    sentence: str
    instead: Readiness | None = None


def assess(
    results: RunResults,
    histories: Iterable[TestHistory],
    failures: Failures = (),
    rules: ReadinessRules | None = None,
) -> Assessment:
    """The verdict of a finished run; `histories` are those from before it."""
    evidence = _gathered(results, histories, rules or ReadinessRules())
    findings = list(_findings(evidence))
    broken = [finding for finding in findings if finding.instead]
    against = {finding.instead for finding in broken}
    readiness = Readiness.READY
    if Readiness.NOT_READY in against:
        readiness = Readiness.NOT_READY
    elif against:
        readiness = Readiness.INCONCLUSIVE
    weighty = sorted(broken, key=lambda finding: finding.instead is not readiness)
    explained = (*_about_failures(evidence, failures), *_about_flakes(evidence))
    fine = () if broken else ("Every rule holds.",)
    return Assessment(
        readiness=readiness,
        regression_probability=evidence.probability,
        reasons=(*(finding.sentence for finding in weighty), *fine, *explained),
        passed_rules=tuple(finding.sentence for finding in findings if not finding.instead),
        uncovered=tuple(_uncovered(evidence)),
        evidence=_figures(evidence),
        algorithm=ALGORITHM,
    )


def _gathered(
    everything: RunResults, histories: Iterable[TestHistory], rules: ReadinessRules
) -> _Evidence:
    results = replace(everything, tests=tuple(t for t in everything.tests if not _is_harmless(t)))
    known = {history.test_id: history for history in histories}
    of_verdict: dict[Verdict | None, list[TestOutcome]] = {}
    probabilities: list[tuple[float, TestOutcome]] = []
    for test in results.tests:
        of_verdict.setdefault(test.verdict if test.attempts else None, []).append(test)
        history = known.get(test.case.id, TestHistory(test.case.id))
        chance = rules.model.regression(test, history, len(results.tests))
        probabilities.append((chance, test))
    chance = any_regression([chance for chance, _ in probabilities])
    tested = any(chance for chance, _ in probabilities)
    bad = {Verdict.FAILED, Verdict.TIMED_OUT}
    ended = {Verdict.PASSED, Verdict.FLAKY, *bad}
    executed = [test for test in results.tests if test.verdict in ended]
    suspects = [(chance, test) for chance, test in probabilities if test.verdict in bad]
    return _Evidence(
        results=results,
        rules=rules,
        histories=known,
        probability=chance if tested else rules.model.broken_run,
        suspects=sorted(suspects, key=lambda suspect: -suspect[0]),
        executed=executed,
        errored=of_verdict.get(Verdict.ERRORED, []),
        skipped=of_verdict.get(Verdict.SKIPPED, []),
        never_run=[*of_verdict.get(None, []), *of_verdict.get(Verdict.CANCELLED, [])],
        flaky=of_verdict.get(Verdict.FLAKY, []),
        young=[test for test in executed if _runs(known, test) < rules.history_runs],
        quarantined=[test for test in everything.tests if _is_harmless(test)],
    )


def _findings(evidence: _Evidence) -> Iterator[_Finding]:
    yield _regressions(evidence)
    yield _ending(evidence)
    yield _infrastructure(evidence)
    yield _coverage(evidence)
    yield _history(evidence)


def _regressions(evidence: _Evidence) -> _Finding:
    rules, chance = evidence.rules, evidence.probability
    if not evidence.executed and chance < rules.not_ready_from:
        return _Finding("No test came to an end, so no regression could show.", _UNCLEAR)
    said = f"The probability of a regression is {percent(chance)}"
    if chance < rules.ready_below:
        return _Finding(f"{said}, below {percent(rules.ready_below)}.")
    if chance >= rules.not_ready_from:
        return _Finding(f"{said}; from {percent(rules.not_ready_from)} on a run is not ready.",
                        Readiness.NOT_READY)  # fmt: skip
    return _Finding(
        f"{said}: too much to be ready, too little to be sure. Run the failed tests again.",
        _UNCLEAR,
    )


def _ending(evidence: _Evidence) -> _Finding:
    run = evidence.results.run
    if run.state in {RunState.PASSED, RunState.FAILED}:
        return _Finding("The run came to its end.")
    why = f": {run.message}" if run.message else "."
    return _Finding(f"The run ended {run.state}{why}", _UNCLEAR)


def _infrastructure(evidence: _Evidence) -> _Finding:
    if not evidence.errored:
        return _Finding("The infrastructure failed no test.")
    lost = _named(evidence.errored)
    return _Finding(f"The infrastructure failed {lost}. Run again.", _UNCLEAR)


def _coverage(evidence: _Evidence) -> _Finding:
    share = len(evidence.executed) / max(1, len(evidence.results.tests))
    counted = f"{len(evidence.executed)} of {_count(evidence.results.tests)} came to an end"
    if share >= evidence.rules.executed and evidence.executed:
        return _Finding(f"{counted}.")
    return _Finding(f"Only {counted}; {percent(evidence.rules.executed)} must.", _UNCLEAR)


def _history(evidence: _Evidence) -> _Finding:
    rules, total = evidence.rules, len(evidence.executed)
    old = total - len(evidence.young)
    told = f"{old} of {_count(evidence.executed)} have a history of {rules.history_runs} runs"
    if old >= rules.with_history * total:
        return _Finding(f"{told} or more.")
    return _Finding(
        f"For want of history: only {told}; {percent(rules.with_history)} must. "
        "Run again to tell flakes from regressions.",
        _UNCLEAR,
    )


def _about_failures(evidence: _Evidence, failures: Failures) -> Iterator[str]:
    for chance, test in evidence.suspects[:NAMED]:
        yield _suspect(evidence, chance, test)
    if len(evidence.suspects) > NAMED:
        yield f"{len(evidence.suspects) - NAMED} more tests failed."
    suspected = {test.case.id for _, test in evidence.suspects}
    tests: dict[str, tuple[FailureCluster, set[TestId], bool]] = {}
    for assignment, cluster in failures:
        if assignment.test_id in suspected:
            _, members, was_new = tests.get(cluster.id, (cluster, set(), False))
            tests[cluster.id] = (
                cluster,
                members | {assignment.test_id},
                was_new or assignment.is_new,
            )
    for cluster, members, is_new in sorted(tests.values(), key=lambda each: -len(each[1]))[:NAMED]:
        age = "first seen in this run" if is_new else f"seen {cluster.size} times so far"
        noun = "1 test" if len(members) == 1 else f"{len(members)} tests"
        yield f"{noun} failed with one probable cause, {age}: {cluster.title}"


def _suspect(evidence: _Evidence, chance: float, test: TestOutcome) -> str:
    history = evidence.histories.get(test.case.id)
    if cannot_be_collected(test):
        return f"{test.case.id} cannot be collected."
    times = sum(bool(a.result and a.result.verdict.is_bad) for a in test.attempts)
    done = "failed once" if times == 1 else f"failed {times} times"
    if history is None or not history.runs:
        past = "it has no history"
    else:
        runs = "earlier run" if history.runs == 1 else "earlier runs"
        past = (
            f"it failed in {history.failed} and flaked in {history.flaky} of {history.runs} {runs}"
        )
    return f"{test.case.id} {done}; {past}; a regression with {percent(chance)}."


def _about_flakes(evidence: _Evidence) -> Iterator[str]:
    if not evidence.flaky:
        return
    yield (
        f"Failed first and passed on a later attempt, so probably flaky: {_named(evidence.flaky)}."
    )


def _uncovered(evidence: _Evidence) -> Iterator[str]:
    never = [test for test in evidence.executed if not _runs(evidence.histories, test)]
    few = [test for test in evidence.young if _runs(evidence.histories, test)]
    for tests, what in (
        (evidence.skipped, "skipped"),
        (evidence.errored, "spoilt by the infrastructure"),
        (evidence.never_run, "never run"),
        (evidence.quarantined, "quarantined, so that nobody waits for what they find"),
        (never, "without any history: not enough evidence of how often they flake"),
        (few, f"with fewer than {evidence.rules.history_runs} earlier runs"),
    ):
        if tests:
            yield f"{_named(tests)}: {what}."


def _figures(evidence: _Evidence) -> Mapping[str, float]:
    return {
        "tests": float(len(evidence.results.tests)),
        "executed": float(len(evidence.executed)),
        "failed": float(len(evidence.suspects)),
        "flaky": float(len(evidence.flaky)),
        "errored": float(len(evidence.errored)),
        "skipped": float(len(evidence.skipped)),
        "never_run": float(len(evidence.never_run)),
        "without_history": float(len(evidence.young)),
        "quarantined": float(len(evidence.quarantined)),
    }


_UNCLEAR = Readiness.INCONCLUSIVE


def _is_harmless(test: TestOutcome) -> bool:
    return test.case.quarantined is not None


def _runs(histories: Mapping[TestId, TestHistory], test: TestOutcome) -> int:
    history = histories.get(test.case.id)
    return history.runs if history else 0


def _named(tests: Sequence[TestOutcome]) -> str:
    names = ", ".join(test.case.id for test in tests[:NAMED])
    more = f" and {len(tests) - NAMED} more" if len(tests) > NAMED else ""
    return f"{_count(tests)} ({names}{more})"


def _count(tests: Sequence[TestOutcome]) -> str:
    return "1 test" if len(tests) == 1 else f"{len(tests)} tests"
