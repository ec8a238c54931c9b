"""From what a worker tells of a test to the result of its attempt."""

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.workers.suite_worker import WorkerLost
from harness.domain.attempt import ArtifactRef, AttemptResult, Failure, Frame, Phase, Verdict
from harness.domain.scope import Scope
from harness.errors import HarnessError
from harness.ports.artifacts import ArtifactStore

_PASSING = {"passed", "xpassed"}
_BROWSER = "browser_"
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

    def finished(
        self, outcome: Mapping[str, Any], prefix: str
    ) -> AttemptResult:  # Any: JSON of our own package
        """The result of a test that came to its end; stores the files it left."""
        phases = tuple(_phase(phase) for phase in outcome["phases"])
        kept, left_out = self._stored(outcome["files"], prefix)
        sections = [(title, text) for title, text in outcome["sections"]]
        if left_out:
            sections.append(("Files that were not kept", "\n".join(left_out)))
        return AttemptResult(
            verdict=verdict_of(phases),
            seconds=sum(phase.seconds for phase in phases if phase.name != "subtest"),
            phases=phases,
            sections=tuple(sections),
            properties=dict(outcome["properties"]),
            artifacts=tuple(kept),
            worker=self.worker,
        )

    def overdue(self, seconds: float) -> AttemptResult:
        """The result of a test that did not end within its deadline."""
        message = f"The test did not end within its deadline of {seconds:g} s and was killed."
        return self._lost(Verdict.TIMED_OUT, "TestTimedOut", message, seconds)

    def lost(self, lost: WorkerLost, seconds: float) -> AttemptResult:
        """The result of a test during which its process ended.

        A process that was killed from outside says nothing about the test: its attempt errored.
        One that crashed or exited by itself failed, because the test made it do so.
        """
        if lost.why == "oom":
            return self._lost(
                Verdict.FAILED, "OutOfMemory", "The suite used too much memory.", seconds
            )
        if lost.why in _GREEDY:
            return self._lost(Verdict.FAILED, *_GREEDY[lost.why], seconds)
        if lost.why.startswith(_BROWSER):
            how = lost.why.removeprefix(_BROWSER)
            message = f"The browser was lost while it ran this test ({how})."
            return self._lost(Verdict.ERRORED, "BrowserLost", message, seconds)
        if lost.exit_code is None or lost.exit_code in {-9, -15}:
            message = "The worker's process was killed from outside while it ran this test."
            return self._lost(Verdict.ERRORED, "WorkerLost", message, seconds)
        how = f"signal {-lost.exit_code}" if lost.exit_code < 0 else f"exit code {lost.exit_code}"
        message = f"The test ended its own process ({how})."
        return self._lost(Verdict.FAILED, "WorkerCrashed", message, seconds)

    def _lost(
        self, verdict: Verdict, exception: str, message: str, seconds: float
    ) -> AttemptResult:
        phase = Phase("worker", "failed", seconds, Failure(exception, message, text=message))
        return AttemptResult(verdict, seconds, (phase,), worker=self.worker)

    def _stored(self, files: Sequence[str], prefix: str) -> "tuple[list[ArtifactRef], list[str]]":
        """What was kept, and what was not with its reason."""
        refs, left_out = [], []
        for path in map(Path, files):
            try:
                with path.open("rb") as content:
                    digest, size = self.artifacts.put(self.scope, content, max_bytes=self.max_bytes)
            except (OSError, HarnessError) as trouble:
                left_out.append(f"{path.name}: {trouble}")
                continue
            media, _ = mimetypes.guess_type(path.name)
            name = f"{prefix}/{path.name}"
            refs.append(ArtifactRef(name, digest, size, media or "application/octet-stream"))
        return refs, left_out


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
