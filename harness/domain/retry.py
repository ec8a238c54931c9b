"""Whether a test that did not pass is attempted again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.domain.assessment import TestHistory
from harness.domain.attempt import Verdict
from harness.domain.regression import RegressionModel
from harness.domain.retry_rule import RetryRule

INFRASTRUCTURE_RETRIES = 2
"""How often a test is attempted again because the infrastructure failed it."""
ADAPTIVE_RETRIES = 5
"""How often at most, where the run names no number."""


@dataclass(frozen=True, slots=True)
class Retries:
    """A run's rule and bound."""

    rule: RetryRule = RetryRule.FAILURES
    most: int = 0
    """Further attempts of one test because it was bad."""
    tests: int = 1
    """Of the run; the more there are, the less probable is a regression in one of them."""
    sure: float = 0.95
    """Probability of a regression from which on ADAPTIVE is content with a failure."""
    model: RegressionModel = field(default_factory=RegressionModel)

    def want_another(self, seen: Sequence[Verdict], history: TestHistory) -> bool:
        """Whether another attempt shall follow those seen, the last of which just ended.

        Args:
            seen: verdicts of the test's attempts in this round of the run.
            history: what earlier runs saw of the test.
        """
        if not seen:
            return False
        if seen[-1] is Verdict.ERRORED:
            return seen.count(Verdict.ERRORED) <= INFRASTRUCTURE_RETRIES
        bad = sum(verdict.is_bad for verdict in seen)
        match self.rule:
            case RetryRule.FAILURES:
                return seen[-1].is_bad and bad <= self.most
            case RetryRule.TIMEOUTS:
                return seen[-1] is Verdict.TIMED_OUT and bad <= self.most
            case RetryRule.ADAPTIVE:
                return self._is_unclear(seen, bad, history)

    def _is_unclear(self, seen: Sequence[Verdict], bad: int, history: TestHistory) -> bool:
        good = seen.count(Verdict.PASSED)
        if not seen[-1].is_bad or bad + good > (self.most or ADAPTIVE_RETRIES):
            return False
        chance = self.model.probability(bad, good, history, self.tests)
        return chance < self.sure
