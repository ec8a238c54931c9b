"""A Run: a Suite version executed against an Environment, and the states it may pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from harness.domain.environment import Environment
from harness.domain.ids import Digest, RunId
from harness.domain.priority import Priority
from harness.domain.python_environment import PythonEnvironment
from harness.domain.retry_rule import RetryRule
from harness.domain.scope import Scope
from harness.domain.suite import SuiteVersion
from harness.errors import Conflict, InvalidInput

MAX_ROUNDS = 100
RESERVED = "ath."
"""Labels that begin so are the platform's own."""
IMPORTED = f"{RESERVED}imported"
"""The label of runs whose results come from elsewhere; its value names the formats."""


class RunState(StrEnum):
    """Where a Run stands; the last five are terminal."""

    SUBMITTED = "submitted"
    COLLECTING = "collecting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ERRORED = "errored"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can change any more."""
        return self not in _NEXT


_ENDINGS = frozenset({RunState.PASSED, RunState.FAILED, RunState.INCONCLUSIVE, RunState.ERRORED})
_NEXT: Mapping[RunState, frozenset[RunState]] = {
    RunState.SUBMITTED: frozenset(
        {RunState.COLLECTING, RunState.CANCELLING, RunState.ERRORED, RunState.CANCELLED}
    ),
    RunState.COLLECTING: _ENDINGS | {RunState.RUNNING, RunState.CANCELLING},
    RunState.RUNNING: _ENDINGS | {RunState.CANCELLING},
    RunState.CANCELLING: frozenset({RunState.CANCELLED}),
}


class Reason(StrEnum):
    """Why a run ended as it did, where the state alone does not tell."""

    NONE = ""
    NO_TESTS = "no_tests"
    USAGE = "usage"
    COLLECTION = "collection"
    COVERAGE = "coverage"
    ENVIRONMENT = "environment"
    DEADLINE = "deadline"
    INFRASTRUCTURE = "infrastructure"
    USER = "user"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What somebody asked for; never changes after submission."""

    suite: SuiteVersion
    argv: tuple[str, ...]
    """The command, such as ("pytest", "-q", "tests")."""
    interpreter: str | None = None
    """The Python that has the suite's packages; None means the platform's own."""
    python: PythonEnvironment | None = None
    """Packages that the platform installs for the suite; excludes an interpreter."""
    environment: Environment | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """The caller's environment variables that the tests may see."""
    secrets: tuple[str, ...] = ()
    """Names of secrets whose values the tests see as environment variables."""
    workers: int | None = None
    """Side-by-side workers; None lets the platform choose."""
    retries: int = 0
    """How often a test that was bad is attempted again."""
    retry: RetryRule = RetryRule.FAILURES
    """Which tests are."""
    test_seconds: float | None = None
    """Deadline of one test; None means the platform's default."""
    run_seconds: float | None = None
    """Deadline of the run; None means the platform's default."""
    release: str | None = None
    """What is judged, such as a commit; runs of one release are assessed together."""
    labels: Mapping[str, str] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL

    @property
    def is_imported(self) -> bool:
        """Whether the results come from elsewhere, so that nothing can be executed here."""
        return IMPORTED in self.labels


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the record store holds it."""

    id: RunId
    scope: Scope
    request: RunRequest
    created_at: datetime
    state: RunState = RunState.SUBMITTED
    reason: Reason = Reason.NONE
    message: str = ""
    """For people: what happened, to what, what to do."""
    version: int = 0
    """Grows with every change; the expected value of a compare-and-set."""
    seq: int = 0
    """Of the run's last event."""
    chain_head: Digest = Digest("")
    """Hash of the run's last event."""
    next_token: int = 1
    """Fencing token of the run's next lease."""
    collected: int | None = None
    """How many tests there are, once known."""
    log: Digest | None = None
    """The runner's own output, once sealed."""
    started_at: datetime | None = None
    """When the first host began to work on this round."""
    finished_at: datetime | None = None
    round: int = 0
    """How often the run was reopened to attempt tests again."""

    @property
    def is_waiting(self) -> bool:
        """Whether nobody works on its present round yet."""
        return self.started_at is None and self.state in {RunState.SUBMITTED, RunState.RUNNING}

    def moved(self, state: RunState, reason: Reason = Reason.NONE, message: str = "") -> "Run":
        """The run in its next state.

        Raises:
            Conflict: the state machine does not lead there.
        """
        if state not in _NEXT.get(self.state, frozenset()):
            raise Conflict(f"Run {self.id} is {self.state} and cannot become {state}.")
        return replace(self, state=state, reason=reason, message=message or self.message)

    def begun(self, now: datetime) -> "Run":
        """The run with a host at work on its round, now or already before."""
        moved = self.moved(RunState.COLLECTING) if self.state is RunState.SUBMITTED else self
        return replace(moved, started_at=moved.started_at or now)

    def reopened(self) -> "Run":
        """The ended run in its next round.

        Raises:
            Conflict: it has not ended.
            InvalidInput: it never came to its tests, or was reopened too often.
        """
        if not self.state.is_terminal:
            raise Conflict(f"Run {self.id} is {self.state}. Wait for its end, or cancel it.")
        if self.request.is_imported:
            raise InvalidInput(
                f"Run {self.id} was imported, so its tests cannot be executed here. Execute them "
                "where they came from, and import what comes of it."
            )
        if not self.collected:
            raise InvalidInput(f"Run {self.id} never came to its tests. Submit it anew.")
        if self.round == MAX_ROUNDS:
            raise InvalidInput(f"Run {self.id} was reopened {MAX_ROUNDS} times. Submit it anew.")
        return replace(
            self,
            state=RunState.RUNNING,
            reason=Reason.NONE,
            message="",
            started_at=None,
            finished_at=None,
            round=self.round + 1,
        )
