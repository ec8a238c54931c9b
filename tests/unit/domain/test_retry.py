"""Which tests are attempted again."""

import pytest

from harness.domain.assessment import TestHistory
from harness.domain.attempt import Verdict
from harness.domain.ids import TestId
from harness.domain.retry import Retries
from harness.domain.retry_rule import RetryRule

P, F, T, E = Verdict.PASSED, Verdict.FAILED, Verdict.TIMED_OUT, Verdict.ERRORED
UNKNOWN = TestHistory(TestId("t"))
STEADY = TestHistory(TestId("t"), runs=1000)
FLAKY = TestHistory(TestId("t"), runs=20, flaky=10)


@pytest.mark.parametrize(
    ("rule", "most", "seen", "again"),
    [
        (RetryRule.FAILURES, 0, [F], False),
        (RetryRule.FAILURES, 1, [F], True),
        (RetryRule.FAILURES, 1, [T], True),
        (RetryRule.FAILURES, 1, [F, F], False),
        (RetryRule.FAILURES, 1, [P], False),
        (RetryRule.FAILURES, 1, [E, F], True),
        (RetryRule.TIMEOUTS, 1, [F], False),
        (RetryRule.TIMEOUTS, 1, [T], True),
        (RetryRule.TIMEOUTS, 1, [T, T], False),
        *((rule, 0, [E], True) for rule in RetryRule),
        *((rule, 9, [E, E, E], False) for rule in RetryRule),
        *((rule, 9, [], False) for rule in RetryRule),
    ],
)
def test_rule_says_which_attempts_are_followed_by_another(
    rule: RetryRule, most: int, seen: list[Verdict], again: bool
) -> None:
    assert Retries(rule, most).want_another(seen, UNKNOWN) is again


def attempts(history: TestHistory, most: int = 0, tests: int = 100) -> int:
    """How many attempts a test gets that never passes."""
    retries, seen = Retries(RetryRule.ADAPTIVE, most, tests), [F]
    while retries.want_another(seen, history):
        seen.append(F)
    return len(seen)


def test_adaptive_ends_as_soon_as_a_regression_is_sure() -> None:
    assert (attempts(STEADY), attempts(UNKNOWN), attempts(FLAKY)) == (2, 3, 6)
    assert attempts(FLAKY, most=1) == 2


def test_adaptive_ends_when_an_attempt_passes() -> None:
    assert not Retries(RetryRule.ADAPTIVE).want_another([F, P], UNKNOWN)
