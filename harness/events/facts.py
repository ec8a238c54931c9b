"""What a run's control events say: one frozen value per event type.

A field may be added, with a default; a changed meaning is a new type with a higher version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import ClassVar, cast

from harness.events.envelope import Event, Json


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a run."""

    type: ClassVar[str]

    def data(self) -> Mapping[str, Json]:
        """The fact's fields as JSON."""
        return {name: cast("Json", getattr(self, name)) for name in _names(type(self))}  # type: ignore[arg-type]  # mypy takes the hash of instances for that of the class


@cache
def _names(kind: type[Fact]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@dataclass(frozen=True, slots=True)
class RunSubmitted(Fact):
    """Somebody asked for a run and it was accepted."""

    type: ClassVar[str] = "ath.run.submitted.v1"
    suite: str
    command: list[str]
    environment: str | None
    submitted_by: str
    origin: str = ""
    """Repository and commit, where the suite was fetched from one."""


@dataclass(frozen=True, slots=True)
class RunLeased(Fact):
    """A host began to work on the run."""

    type: ClassVar[str] = "ath.run.leased.v1"
    lease_id: str
    host: str
    token: int


@dataclass(frozen=True, slots=True)
class LeaseEnded(Fact):
    """A host has no more right to work on the run; `why` is closed, expired or released."""

    type: ClassVar[str] = "ath.lease.ended.v1"
    lease_id: str
    host: str
    token: int
    why: str


@dataclass(frozen=True, slots=True)
class SandboxStarted(Fact):
    """A sandbox is up; says which controls hold in it and how."""

    type: ClassVar[str] = "ath.sandbox.started.v1"
    host: str
    tier: str
    controls: dict[str, str]


@dataclass(frozen=True, slots=True)
class PythonEnvironmentBegun(Fact):
    """A host began to build the packages of the suite."""

    type: ClassVar[str] = "ath.python.begun.v1"
    key: str
    requirements: str
    python: str


@dataclass(frozen=True, slots=True)
class PythonEnvironmentAwaited(Fact):
    """Another run builds these very packages on this host; this run waits for them."""

    type: ClassVar[str] = "ath.python.awaited.v1"
    key: str
    requirements: str


@dataclass(frozen=True, slots=True)
class PythonEnvironmentReady(Fact):
    """The packages of the suite are there; `was_built` unless the host had them."""

    type: ClassVar[str] = "ath.python.ready.v1"
    key: str
    requirements: str
    python: str
    packages: int
    bytes: int
    seconds: float
    was_built: bool


@dataclass(frozen=True, slots=True)
class EnvironmentReady(Fact):
    """The system under test answers."""

    type: ClassVar[str] = "ath.environment.ready.v1"
    environment: str
    base_url: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class RunCollected(Fact):
    """The tests of the run are known."""

    type: ClassVar[str] = "ath.run.collected.v1"
    tests: int
    deselected: int
    errors: int
    seconds: float
    warning: str = ""


@dataclass(frozen=True, slots=True)
class AttemptsQueued(Fact):
    """Attempts wait for a worker; `why` is first, retry, infrastructure or rerun."""

    type: ClassVar[str] = "ath.attempts.queued.v1"
    count: int
    why: str
    tests: list[int]
    """Indexes of the tests; empty means all of the run."""


@dataclass(frozen=True, slots=True)
class AttemptsLeased(Fact):
    """Attempts were given to a worker."""

    type: ClassVar[str] = "ath.attempts.leased.v1"
    lease_id: str
    token: int
    worker: str
    tests: list[int]


@dataclass(frozen=True, slots=True)
class AttemptFinished(Fact):
    """An attempt came to its verdict."""

    type: ClassVar[str] = "ath.attempt.finished.v1"
    attempt_id: str
    test_id: str
    test_index: int
    number: int
    verdict: str
    seconds: float
    worker: str
    exception: str = ""
    message: str = ""
    """First line, capped."""


@dataclass(frozen=True, slots=True)
class SuiteNoted(Fact):
    """Something about the suite that its owner should know; the run goes on."""

    type: ClassVar[str] = "ath.suite.noted.v1"
    note: str


@dataclass(frozen=True, slots=True)
class ArtifactsLeftOut(Fact):
    """Artifacts were not kept, because a run's together may have `most_bytes`."""

    type: ClassVar[str] = "ath.artifacts.left_out.v1"
    count: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class BrowserAwaited(Fact):
    """A worker waits for a browser; `place` is its position in the pool's queue, from 1."""

    type: ClassVar[str] = "ath.browser.awaited.v1"
    worker: str
    place: int


@dataclass(frozen=True, slots=True)
class BrowserLost(Fact):
    """A worker's browser ended; `why` is crashed, memory, disk, expired or unknown."""

    type: ClassVar[str] = "ath.browser.lost.v1"
    worker: str
    why: str


@dataclass(frozen=True, slots=True)
class PolicyDenied(Fact):
    """A test wanted what its policy does not allow; told once for each attempt and host.

    Where browsers of several tests share a way out, once for the run, without an attempt.
    """

    type: ClassVar[str] = "ath.policy.denied.v1"
    host: str
    port: int
    reason: str
    attempt_id: str = ""
    test_index: int | None = None
    kind: str = ""
    """What an agent wanted: llm, tool, http, tunnel or tcp."""
    name: str = ""
    """Of the model or the tool, or method and place."""


@dataclass(frozen=True, slots=True)
class AgentStarted(Fact):
    """An agent's program begins in a sandbox; says which policy and which controls hold."""

    type: ClassVar[str] = "ath.agent.started.v1"
    agent: str
    policy: str
    tier: str
    controls: dict[str, str]
    attempt_id: str = ""
    test_index: int | None = None


@dataclass(frozen=True, slots=True)
class AgentFinished(Fact):
    """An agent's program ended; `journal` is the digest of everything that passed its door."""

    type: ClassVar[str] = "ath.agent.finished.v1"
    agent: str
    stopped: str
    exit_code: int | None
    effects: int
    refused: dict[str, int]
    spent: dict[str, int]
    journal: str
    attempt_id: str = ""
    test_index: int | None = None


@dataclass(frozen=True, slots=True)
class ResultRefused(Fact):
    """A late result came from a holder whose lease had ended; it was not applied."""

    type: ClassVar[str] = "ath.attempt.refused.v1"
    lease_id: str
    attempt_ids: list[str]
    why: str


@dataclass(frozen=True, slots=True)
class CancelRequested(Fact):
    """Somebody, or a deadline, asked the run to stop."""

    type: ClassVar[str] = "ath.run.cancel_requested.v1"
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class RunFinished(Fact):
    """The run is in its terminal state."""

    type: ClassVar[str] = "ath.run.finished.v1"
    state: str
    reason: str
    message: str
    counts: dict[str, int]
    seconds: float
    round: int = 0


@dataclass(frozen=True, slots=True)
class RunReopened(Fact):
    """Tests of a run that had ended are attempted again."""

    type: ClassVar[str] = "ath.run.reopened.v1"
    by: str
    round: int
    tests: list[int]
    """Indexes of the tests."""


@dataclass(frozen=True, slots=True)
class FailureAssigned(Fact):
    """A failed attempt belongs to a FailureCluster."""

    type: ClassVar[str] = "ath.failure.assigned.v1"
    attempt_id: str
    test_id: str
    cluster_id: str
    title: str
    score: float
    is_new: bool
    reason: str
    algorithm: str


@dataclass(frozen=True, slots=True)
class RunAssessed(Fact):
    """The run's evidence was weighed."""

    type: ClassVar[str] = "ath.run.assessed.v1"
    readiness: str
    regression_probability: float
    reasons: list[str]
    algorithm: str
    round: int = 0


def round_of(event: Event) -> int:
    """The round of its run that an end or an assessment belongs to."""
    found = event.data.get("round", 0)
    return found if isinstance(found, int) else 0
