"""Whether a release may go out, as far as the evidence goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.domain.ids import TestId


class Readiness(StrEnum):
    """Three-valued on purpose: want of evidence is not a pass."""

    READY = "ready"
    NOT_READY = "not_ready"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class TestHistory:
    """What earlier runs of one project saw of a test."""

    __test__ = False

    test_id: TestId
    runs: int = 0
    """Runs in which the test came to an end of its own."""
    failed: int = 0
    """Runs that it failed for good."""
    flaky: int = 0
    """Runs in which it failed first and passed on a later attempt."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A readiness verdict with its evidence."""

    readiness: Readiness
    regression_probability: float
    """Posterior probability that at least one failure is a real regression."""
    reasons: tuple[str, ...]
    """Sentences for people, the weightiest first."""
    passed_rules: tuple[str, ...] = ()
    """Rules that were checked and held; a gate never passes silently."""
    uncovered: tuple[str, ...] = ()
    """What the run could not tell anything about."""
    evidence: Mapping[str, float] = field(default_factory=dict)
    """The figures behind the verdict."""
    algorithm: str = ""
