"""What passes between the scheduler and the hosts that execute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.domain.attempt import ArtifactRef, AttemptResult
from harness.domain.browser import BrowserQuota
from harness.domain.ids import AttemptId, LeaseId, TestId
from harness.domain.lease import Lease
from harness.domain.run import Reason, Run
from harness.domain.suite import TestCase


@dataclass(frozen=True, slots=True)
class Grant:
    """A host shall execute this run, or open more workers for one that it executes."""

    lease: Lease
    run: Run
    workers: int
    """How many workers the host may open now, besides those it has."""
    test_seconds: float
    """Deadline of one test."""
    last_failed: Sequence[TestId] = ()
    """What failed before, for a command that asks pytest for it."""
    submitted_by: str = ""
    """The principal's name."""
    browsers: BrowserQuota = field(default_factory=BrowserQuota)
    """What the tenant may have leased at once, over all of its runs."""
    artifact_bytes: int = 0
    """What the run has kept of artifacts so far."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that could not be collected, with its attempt already over."""

    case: TestCase
    result: AttemptResult


@dataclass(frozen=True, slots=True)
class Collected:
    """What a host found in the suite."""

    cases: Sequence[TestCase]
    broken: Sequence[Broken] = ()
    deselected: int = 0
    max_failures: int = 0
    """Stop the run after so many failed tests; 0 means never."""
    run_broken: bool = False
    """Whether the tests are to be executed although files are broken."""
    seconds: float = 0.0
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Attempts for one worker, in order."""

    attempts: Sequence[tuple[AttemptId, int]] = ()
    """Attempt and the index of its test; none means the worker is not needed now."""
    more_later: bool = False
    """Whether asking again later may give more."""


@dataclass(frozen=True, slots=True)
class Report:
    """Finished attempts of a lease."""

    lease_id: LeaseId
    results: Mapping[AttemptId, AttemptResult] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surrender:
    """A host ends its lease: nothing is left to do, or it cannot go on."""

    lease_id: LeaseId
    reason: Reason = Reason.NONE
    """NONE when all went well; else the run ends for this reason."""
    message: str = ""
    artifacts: Sequence[ArtifactRef] = ()
