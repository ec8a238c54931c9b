"""Domain values with defaults."""

from datetime import UTC, datetime

from harness.domain.attempt import (
    Attempt,
    AttemptResult,
    AttemptState,
    Failure,
    Frame,
    Phase,
    PhaseName,
    Verdict,
)
from harness.domain.environment import Environment
from harness.domain.ids import AttemptId, Digest, RunId, TestId
from harness.domain.results import TestOutcome
from harness.domain.run import Run, RunRequest, RunState
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.suite import SuiteVersion, TestCase

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def a_run(state: RunState = RunState.PASSED, release: str | None = None) -> Run:
    """A run of the suite `shop` against the environment `stable`."""
    request = RunRequest(
        suite=SuiteVersion(Digest("d" * 64), "shop"),
        argv=("pytest",),
        environment=Environment("stable"),
        release=release,
    )
    return Run(RunId("run1"), DEFAULT_SCOPE, request, NOON, state)


def a_result(verdict: Verdict, phase: PhaseName = "call", cause: str = "page") -> AttemptResult:
    """A result of one second; bad and errored ones have a failure of this cause."""
    failure = Failure("KeyError", f"no {cause} here", (Frame("load", f"shop/{cause}.py", 3),))
    if verdict.is_bad or verdict is Verdict.ERRORED:
        return AttemptResult(verdict, 1.0, (Phase(phase, "failed", 1.0, failure),))
    return AttemptResult(verdict, 1.0)


def an_outcome(index: int, *results: AttemptResult) -> TestOutcome:
    """The test of this index with finished attempts."""
    test_id = TestId(f"t{index}.py::test")
    attempts = tuple(
        Attempt(
            AttemptId(f"a{index}-{number}"),
            RunId("run1"),
            test_id,
            index,
            number,
            AttemptState.FINISHED,
            result=result,
        )
        for number, result in enumerate(results, 1)
    )
    return TestOutcome(TestCase(test_id, index, f"t{index}.py"), attempts)
