"""From what a worker tells of a test to the result of its attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from actors.workers.left_files import LeftFiles
from actors.workers.suite_worker import WorkerLost
from harness.domain.attempt import AttemptResult, Failure, Frame, Phase, Step, Verdict
from harness.domain.ids import AttemptId
from harness.domain.redaction import Redactor
from harness.domain.scope import Scope
from harness.events.facts import PolicyDenied
from harness.ports.artifacts import ArtifactStore

NOT_KEPT = "Files that were not kept"
_PASSING = {"passed", "xpassed"}
_BROWSER = "browser_"
_OF_STEPS = {"call", "worker"}
"""Phases in which steps run, or end with their process."""
_GREEDY = {
    "browser_memory": ("BrowserOutOfMemory", "The test's pages used too much memory."),
    "browser_disk": ("BrowserDiskFull", "The test's pages and downloads used too much disk."),
}


@dataclass(frozen=True, slots=True)
class AttemptFold:
    """Makes results of the attempts that one worker executes."""

    scope: Scope
    artifacts: ArtifactStore
    worker: str
    max_bytes: int
    redactor: Redactor = field(default_factory=Redactor)
    """Of the names of files; their content is cleaned by the store."""

    def finished(
        self, outcome: Mapping[str, Any], prefix: str
    ) -> AttemptResult:  # Any: JSON of our own package
        """The result of a test that came to its end; stores the files it left."""
        steps = _steps(outcome.get("steps", ()))
        phases = _telling_step(tuple(_phase(phase) for phase in outcome["phases"]), steps)
        left = LeftFiles(self.artifacts, self.scope, self.max_bytes, self.redactor)
        artifacts = left.keep(outcome["files"], prefix)
        notes = ((NOT_KEPT, "\n".join(left.notes)),) if left.notes else ()
        return AttemptResult(
            verdict=verdict_of(phases),
            seconds=sum(phase.seconds for phase in phases if phase.name != "subtest"),
            phases=phases,
            sections=(*((title, text) for title, text in outcome["sections"]), *notes),
            properties=dict(outcome["properties"]),
            artifacts=tuple(artifacts),
            worker=self.worker,
            steps=steps,
        )

    def overdue(self, seconds: float, steps: tuple[Step, ...] = ()) -> AttemptResult:
        """The result of a test that did not end within its deadline."""
        message = f"The test did not end within its deadline of {seconds:g} s and was killed."
        return self._lost(Verdict.TIMED_OUT, "TestTimedOut", message, seconds, steps)

    def lost(self, lost: WorkerLost, seconds: float, steps: tuple[Step, ...] = ()) -> AttemptResult:
        """The result of a test during which its process ended.

        A process that was killed from outside says nothing about the test: its attempt errored.
        One that crashed or exited by itself failed, because the test made it do so.
        """
        verdict, exception, message = _loss(lost)
        return self._lost(verdict, exception, message, seconds, steps)

    def _lost(
        self,
        verdict: Verdict,
        exception: str,
        message: str,
        seconds: float,
        steps: tuple[Step, ...],
    ) -> AttemptResult:
        phase = Phase("worker", "failed", seconds, Failure(exception, message, text=message))
        phases = _telling_step((phase,), steps)
        return AttemptResult(verdict, seconds, phases, worker=self.worker, steps=steps)


def _loss(lost: WorkerLost) -> tuple[Verdict, str, str]:
    """Whose fault it was, its name, and a sentence."""
    if lost.why == "oom":
        return Verdict.FAILED, "OutOfMemory", "The suite used too much memory."
    if lost.why in _GREEDY:
        return Verdict.FAILED, *_GREEDY[lost.why]
    if lost.why.startswith(_BROWSER):
        how = lost.why.removeprefix(_BROWSER)
        message = f"The browser was lost while it ran this test ({how})."
        return Verdict.ERRORED, "BrowserLost", message
    if lost.exit_code is None or lost.exit_code in {-9, -15}:
        message = "The worker's process was killed from outside while it ran this test."
        return Verdict.ERRORED, "WorkerLost", message
    how = f"signal {-lost.exit_code}" if lost.exit_code < 0 else f"exit code {lost.exit_code}"
    return Verdict.FAILED, "WorkerCrashed", f"The test ended its own process ({how})."


def denials(
    outcome: Mapping[str, Any], attempt_id: AttemptId, index: int
) -> list[PolicyDenied]:  # Any: JSON of our own package
    """What a policy refused the test."""
    return [
        PolicyDenied(each["host"], each["port"], each["reason"], attempt_id, index)
        for each in outcome.get("denied", ())
    ]


def verdict_of(phases: Sequence[Phase]) -> Verdict:
    """What the phases of one attempt amount to."""
    outcomes = [phase.outcome for phase in phases]
    if "failed" in outcomes:
        return Verdict.FAILED
    call = next((phase.outcome for phase in phases if phase.name == "call"), None)
    if call in _PASSING:
        return Verdict.PASSED
    if "skipped" in outcomes or "xfailed" in outcomes:
        return Verdict.SKIPPED
    return Verdict.PASSED


def _telling_step(phases: tuple[Phase, ...], steps: Sequence[Step]) -> tuple[Phase, ...]:
    """The phases, with the failing step named in the message of the test's own failure."""
    path = next(filter(None, (step.failed_path() for step in steps)), ())
    if not path:
        return phases
    named = [step.name for step in path if step.kind == "step"]
    return tuple(_in_step(phase, " > ".join(named)) for phase in phases)


def _in_step(phase: Phase, name: str) -> Phase:
    failure = phase.failure
    if not name or phase.name not in _OF_STEPS or failure is None or name in failure.message:
        return phase
    return replace(phase, failure=replace(failure, message=f"in {name!r}: {failure.message}"))


def _steps(found: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:  # Any: JSON of our own package
    return tuple(
        Step(
            kind=step["kind"],
            name=step["name"],
            outcome=step["outcome"],
            seconds=step["seconds"],
            started=step["started"],
            detail=step["detail"],
            steps=_steps(step["steps"]),
        )
        for step in found
    )


def _phase(data: Mapping[str, Any]) -> Phase:  # Any: JSON of our own package
    failure = data.get("failure")
    return Phase(
        name=data["name"],
        outcome=data["outcome"],
        seconds=data["seconds"],
        failure=_failure(failure) if failure else None,
        reason=data.get("reason", ""),
        label=data.get("label", ""),
    )


def _failure(data: Mapping[str, Any]) -> Failure:  # Any: JSON of our own package
    frames = tuple(Frame(name, file, line) for name, file, line in data["frames"])
    return Failure(data["exception"], data["message"], frames, data["text"])
