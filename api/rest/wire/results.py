"""Tests, attempts and artifacts on the wire."""

from api.rest.wire.model import WireModel
from harness.domain.attempt import (
    ArtifactRef,
    Attempt,
    AttemptResult,
    AttemptState,
    Failure,
    Phase,
    PhaseName,
    PhaseOutcome,
    Step,
    StepOutcome,
    Verdict,
)
from harness.domain.results import TestOutcome


class FrameWire(WireModel):
    """One line of a stack trace."""

    name: str
    file: str
    line: int


class FailureWire(WireModel):
    """Why something failed."""

    exception: str
    message: str
    frames: list[FrameWire]
    text: str


class PhaseWire(WireModel):
    """One part of an attempt."""

    name: PhaseName
    outcome: PhaseOutcome
    seconds: float
    failure: FailureWire | None
    reason: str
    label: str


class StepWire(WireModel):
    """Something that a test did; may consist of further steps."""

    kind: str
    name: str
    outcome: StepOutcome
    seconds: float
    started: float
    detail: str
    steps: list["StepWire"]


class ArtifactWire(WireModel):
    """Bytes that were left behind."""

    name: str
    digest: str
    size: int
    media_type: str


class ResultWire(WireModel):
    """Everything known of an attempt after its end."""

    verdict: Verdict
    seconds: float
    phases: list[PhaseWire]
    sections: list[tuple[str, str]]
    properties: dict[str, str]
    artifacts: list[ArtifactWire]
    worker: str
    steps: list[StepWire]


class AttemptWire(WireModel):
    """One execution of a test."""

    id: str
    number: int
    round: int
    state: AttemptState
    result: ResultWire | None


class TestWire(WireModel):
    """A test with its attempts."""

    id: str
    index: int
    file: str
    line: int | None
    serial_group: str | None
    quarantined: str | None
    """Why its failures decide nothing; null if they do."""
    verdict: Verdict | None
    seconds: float
    attempts: list[AttemptWire]


class TestPage(WireModel):
    """Tests in the order of collection."""

    tests: list[TestWire]
    counts: dict[Verdict, int]
    """Over the whole run, whatever was asked for."""
    next: int | None
    """Pass it as `after` for the page after this one; null on the last."""


class ArtifactPage(WireModel):
    """What a run left behind, by name."""

    artifacts: list[ArtifactWire]


def test_wire(outcome: TestOutcome) -> TestWire:
    """The test for the wire."""
    case = outcome.case
    return TestWire.model_construct(
        id=case.id,
        index=case.index,
        file=case.file,
        line=case.line,
        serial_group=case.serial_group,
        quarantined=case.quarantined,
        verdict=outcome.verdict,
        seconds=outcome.seconds,
        attempts=[_attempt(attempt) for attempt in outcome.attempts],
    )


def artifact_wire(ref: ArtifactRef) -> ArtifactWire:
    """The artifact for the wire."""
    return ArtifactWire.model_construct(
        name=ref.name, digest=ref.digest, size=ref.size, media_type=ref.media_type
    )


def _attempt(attempt: Attempt) -> AttemptWire:
    return AttemptWire.model_construct(
        id=attempt.id,
        number=attempt.number,
        round=attempt.round,
        state=attempt.state,
        result=_result(attempt.result) if attempt.result else None,
    )


def _result(result: AttemptResult) -> ResultWire:
    return ResultWire.model_construct(
        verdict=result.verdict,
        seconds=result.seconds,
        phases=[_phase(phase) for phase in result.phases],
        sections=list(result.sections),
        properties=dict(result.properties),
        artifacts=[artifact_wire(ref) for ref in result.artifacts],
        worker=result.worker,
        steps=[_step(step) for step in result.steps],
    )


def _step(step: Step) -> StepWire:
    return StepWire.model_construct(
        kind=step.kind,
        name=step.name,
        outcome=step.outcome,
        seconds=step.seconds,
        started=step.started,
        detail=step.detail,
        steps=[_step(inner) for inner in step.steps],
    )


def _phase(phase: Phase) -> PhaseWire:
    return PhaseWire.model_construct(
        name=phase.name,
        outcome=phase.outcome,
        seconds=phase.seconds,
        failure=_failure(phase.failure) if phase.failure else None,
        reason=phase.reason,
        label=phase.label,
    )


def _failure(failure: Failure) -> FailureWire:
    return FailureWire.model_construct(
        exception=failure.exception,
        message=failure.message,
        frames=[
            FrameWire.model_construct(name=frame.name, file=frame.file, line=frame.line)
            for frame in failure.frames
        ],
        text=failure.text,
    )
