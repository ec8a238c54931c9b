"""The one results model: every report, exit code and verdict is made of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.domain.attempt import Attempt, AttemptState, Failure, Verdict
from harness.domain.ids import RunId
from harness.domain.run import Reason, Run, RunState
from harness.domain.suite import TestCase


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """A TestCase with its attempts, in order."""

    __test__ = False

    case: TestCase
    attempts: tuple[Attempt, ...]

    @property
    def verdict(self) -> Verdict | None:
        """Over all finished attempts; None while one is outstanding."""
        if any(attempt.state is not AttemptState.FINISHED for attempt in self.attempts):
            return None
        return judge([a.result.verdict for a in self.attempts if a.result])

    def within(self, rounds: range) -> "TestOutcome":
        """The same test as far as these rounds of the run know it."""
        return replace(self, attempts=tuple(a for a in self.attempts if a.round in rounds))

    @property
    def failure(self) -> Failure | None:
        """The first failure of its attempts."""
        found = (attempt.result.failure for attempt in self.attempts if attempt.result)
        return next((failure for failure in found if failure), None)

    @property
    def seconds(self) -> float:
        """Spent in all attempts."""
        return sum(a.result.seconds for a in self.attempts if a.result)


@dataclass(frozen=True, slots=True)
class RunResults:
    """A run with all its tests, in the order of collection."""

    run: Run
    tests: tuple[TestOutcome, ...]

    @property
    def run_id(self) -> RunId:
        """Of the run."""
        return self.run.id

    def within(self, rounds: range) -> "RunResults":
        """The same run as far as these rounds know it."""
        if 0 in rounds and self.run.round in rounds:
            return self
        return replace(self, tests=tuple(test.within(rounds) for test in self.tests))

    def counts(self) -> dict[Verdict, int]:
        """How many tests have each verdict; every verdict is a key."""
        found = [test.verdict for test in self.tests]
        return {verdict: found.count(verdict) for verdict in Verdict}


def judge(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The verdict of a test from those of its attempts, in order; None without any.

    Attempts that the infrastructure spoilt count only when no other ended.
    """
    if len(verdicts) < 2:
        return verdicts[0] if verdicts else None
    own = [verdict for verdict in verdicts if verdict is not Verdict.ERRORED]
    if not own:
        return Verdict.ERRORED
    if own[-1] is Verdict.PASSED and any(verdict.is_bad for verdict in own):
        return Verdict.FLAKY
    return own[-1]


def conclude(verdicts: Iterable[Verdict]) -> tuple[RunState, Reason]:
    """How a run ends whose tests have these verdicts."""
    found = set(verdicts)
    if any(verdict.is_bad for verdict in found):
        return RunState.FAILED, Reason.NONE
    if Verdict.ERRORED in found:
        return RunState.ERRORED, Reason.INFRASTRUCTURE
    if Verdict.CANCELLED in found:
        return RunState.INCONCLUSIVE, Reason.NONE
    if not found:
        return RunState.INCONCLUSIVE, Reason.NO_TESTS
    return RunState.PASSED, Reason.NONE
