"""One execution of a TestCase and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from harness.domain.ids import AttemptId, Digest, LeaseId, RunId, TestId


class Verdict(StrEnum):
    """How an Attempt, or a TestCase over all its Attempts, ended."""

    PASSED = "passed"
    FAILED = "failed"
    FLAKY = "flaky"
    """Only of a TestCase: an attempt failed, a later one passed."""
    ERRORED = "errored"
    """Trouble of the infrastructure, never of the test."""
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"

    @property
    def is_bad(self) -> bool:
        """Whether the test itself spoke against the system under test."""
        return self in {Verdict.FAILED, Verdict.TIMED_OUT}


class AttemptState(StrEnum):
    """Where an Attempt stands."""

    QUEUED = "queued"
    LEASED = "leased"
    FINISHED = "finished"


PhaseName = Literal["collect", "setup", "call", "teardown", "subtest", "worker"]
"""Where in the life of a test something happened; `worker` is the process around it."""

PhaseOutcome = Literal["passed", "failed", "skipped", "xfailed", "xpassed"]

StepOutcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a stack trace."""

    name: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something failed, as structure."""

    exception: str
    """Type name, qualified where the runner knows the module."""
    message: str
    frames: tuple[Frame, ...] = ()
    """Innermost first."""
    text: str = ""
    """As the runner would print it, capped."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of an Attempt: setup, call, teardown, a subtest, or the process around it."""

    name: PhaseName
    outcome: PhaseOutcome
    seconds: float = 0.0
    failure: Failure | None = None
    reason: str = ""
    """Why it was skipped or expected to fail."""
    label: str = ""
    """Which subtest."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a test did, named by its author; may consist of further steps."""

    kind: str
    """Such as `api`, `browser`, `command`, `case`; an open set."""
    name: str
    outcome: StepOutcome
    seconds: float = 0.0
    started: float = 0.0
    """Seconds after the first step began."""
    detail: str = ""
    """What it did, and why it failed, for people; capped."""
    steps: "tuple[Step, ...]" = ()

    def failed_path(self) -> "tuple[Step, ...]":
        """This step and, within it, the first that failed, down to the innermost."""
        if self.outcome != "failed":
            return ()
        return (self, *next(filter(None, (step.failed_path() for step in self.steps)), ()))


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """Bytes that an Attempt or a Run left behind."""

    name: str
    """A relative path without `..`, unique within its owner."""
    digest: Digest
    size: int
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """Everything known of an Attempt after its end."""

    verdict: Verdict
    seconds: float = 0.0
    phases: tuple[Phase, ...] = ()
    sections: tuple[tuple[str, str], ...] = ()
    """Captured output as (title, text), capped."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """The runner's user properties."""
    artifacts: tuple[ArtifactRef, ...] = ()
    worker: str = ""
    """Which worker executed it, for people."""
    steps: tuple[Step, ...] = ()
    """In the order they began."""

    @property
    def failure(self) -> Failure | None:
        """The first failure of the attempt, if any."""
        return next((phase.failure for phase in self.phases if phase.failure), None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a TestCase; `number` counts from 1 within the test."""

    id: AttemptId
    run_id: RunId
    test_id: TestId
    test_index: int
    number: int
    state: AttemptState = AttemptState.QUEUED
    lease_id: LeaseId | None = None
    result: AttemptResult | None = None
    round: int = 0
    """The round of the run that it belongs to."""
