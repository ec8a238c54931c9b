"""Which bad attempts are followed by another."""

from enum import StrEnum


class RetryRule(StrEnum):
    """Which bad attempts are followed by another; those that the infrastructure spoilt always."""

    FAILURES = "failures"
    """Tests that failed or did not end in time."""
    TIMEOUTS = "timeouts"
    """Only tests that did not end in time."""
    ADAPTIVE = "adaptive"
    """Tests that failed, until they pass or a regression is nearly sure, by their history."""
