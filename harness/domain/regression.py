"""How probable it is that a test's failures are a regression rather than a flake."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.domain.assessment import TestHistory
from harness.domain.attempt import Attempt, Verdict
from harness.domain.results import TestOutcome


@dataclass(frozen=True, slots=True)
class RegressionModel:
    """Two explanations of what a test did: it flakes independently, or something is broken.

    A broken test fails nearly always; a flaking one at a rate of which the test's own history
    and a prior tell. No history ever makes that rate zero.
    """

    broken_run: float = 0.2
    """Prior probability that a run brings a regression, spread over its tests."""
    most_per_test: float = 0.02
    """Bound of one test's share, for small suites."""
    broken_fails: float = 0.98
    """How often a broken test fails."""
    prior_flakes: float = 0.3
    prior_passes: float = 50.0

    def flake_rate(self, history: TestHistory) -> float:
        """Posterior mean of how often the test fails for no reason; above 0 always."""
        flakes, passes = self._flakes(history)
        return flakes / (flakes + passes)

    def regression(self, outcome: TestOutcome, history: TestHistory, tests: int) -> float:
        """Posterior probability that this test, one of so many, found a regression."""
        bad, good = attempts_of_its_own(outcome)
        if cannot_be_collected(outcome):
            return 1.0
        return self.probability(bad, good, history, tests)

    def probability(self, bad: int, good: int, history: TestHistory, tests: int) -> float:
        """The same of a test with so many bad and good attempts of its own."""
        if not bad + good:
            return 0.0
        return self._posterior(bad, good, *self._flakes(history), tests)

    @lru_cache(maxsize=4096)  # noqa: B019  # models are few, and tests with like histories many
    def _posterior(self, bad: int, good: int, flakes: float, passes: float, tests: int) -> float:
        prior = min(self.most_per_test, self.broken_run / max(1, tests))
        broken = prior * math.pow(self.broken_fails, bad) * math.pow(1 - self.broken_fails, good)
        flaking = (1 - prior) * _flaking(bad, good, flakes, passes)
        return broken / (broken + flaking)

    def _flakes(self, history: TestHistory) -> tuple[float, float]:
        """Only failures that a later attempt took back are surely flakes."""
        passes = max(0, history.runs - history.flaky - history.failed)
        return self.prior_flakes + history.flaky, self.prior_passes + passes


def attempts_of_its_own(outcome: TestOutcome) -> tuple[int, int]:
    """How many attempts failed and how many passed; what the infrastructure spoilt is neither."""
    verdicts = [attempt.result.verdict for attempt in outcome.attempts if attempt.result]
    return sum(verdict.is_bad for verdict in verdicts), verdicts.count(Verdict.PASSED)


def cannot_be_collected(outcome: TestOutcome) -> bool:
    """Whether the file itself is broken, which no test does by chance."""
    return any(_is_broken_file(attempt) for attempt in outcome.attempts)


def forgotten_history(history: TestHistory, outcome: TestOutcome) -> TestHistory:
    """The history as if the run of this outcome had never been counted."""
    counted = updated_history(TestHistory(history.test_id), outcome)
    return TestHistory(
        history.test_id,
        max(0, history.runs - counted.runs),
        max(0, history.failed - counted.failed),
        max(0, history.flaky - counted.flaky),
    )


def updated_history(history: TestHistory, outcome: TestOutcome) -> TestHistory:
    """The history with one more finished run; unchanged if the test came to no end of its own."""
    match outcome.verdict:
        case Verdict.PASSED:
            failed, flaky = 0, 0
        case Verdict.FLAKY:
            failed, flaky = 0, 1
        case Verdict.FAILED | Verdict.TIMED_OUT:
            failed, flaky = 1, 0
        case _:
            return history
    return TestHistory(
        history.test_id, history.runs + 1, history.failed + failed, history.flaky + flaky
    )


def any_regression(probabilities: Sequence[float]) -> float:
    """Probability that at least one of them is real."""
    return 1 - math.prod(1 - each for each in probabilities)


def _is_broken_file(attempt: Attempt) -> bool:
    phases = attempt.result.phases if attempt.result else ()
    return any(phase.name == "collect" and phase.outcome == "failed" for phase in phases)


def _flaking(bad: int, good: int, flakes: float, passes: float) -> float:
    """Beta-binomial probability of exactly these attempts, in their order."""
    return math.exp(_log_beta(flakes + bad, passes + good) - _log_beta(flakes, passes))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
