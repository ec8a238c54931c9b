"""What a step is given: where it runs, how long it may take, and what it may use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actors.specs.allow_list import AllowList
from actors.specs.budget import Allowance
from actors.specs.failure import StepFailed
from actors.specs.recorder import Record, Recorder
from harness.ports.clock import Clock

if TYPE_CHECKING:
    from actors.specs.http import HttpSession

EGRESS = "egress"
"""Under this name a test keeps the way out of its pages."""


@dataclass(slots=True)
class TestContext:
    """What all steps of one test share."""

    __test__ = False

    folder: Path
    """Where the spec's file is; relative paths begin here."""
    root: Path
    """The suite's root; paths must not leave it."""
    base_url: str
    clock: Clock
    recorder: Recorder
    allow: AllowList
    allowance: Allowance
    fixture: Callable[[str], Any]  # Any: a pytest fixture may be anything
    """The value of a pytest fixture, set up on first use."""
    http: "HttpSession"
    environ: Mapping[str, str] = field(repr=False)
    """What a command's environment begins with."""
    values: dict[str, object] = field(default_factory=dict)
    """Variables that look-ups see: those of the suite and what steps saved."""
    config: object = None
    """Of pytest, where the platform's runner leaves what belongs to it."""
    kept: dict[str, Any] = field(default_factory=dict)  # Any: each kind of step knows its own
    """What kinds of steps keep from step to step, by names of their own."""
    spec: Path | None = None
    """The spec's file."""
    name: str = ""
    """Which test of the file it is."""
    findings: list[tuple[str, str]] = field(default_factory=list)
    """What the attempt's properties must tell, by name: no silent green."""
    saved: dict[str, dict[str, object]] = field(default_factory=dict)
    """What each step with an id saved."""


@dataclass(slots=True)
class StepContext:
    """One try of one step."""

    test: TestContext
    record: Record
    until: float
    """When it must have ended, by the clock's monotonic time."""
    step_id: str | None = None

    def left(self) -> float:
        """Seconds until the deadline.

        Raises:
            StepFailed: none are left.
        """
        left = self.until - self.test.clock.monotonic()
        if left <= 0:
            raise StepFailed("it did not end within its time")
        return left

    def spend(self, count: int) -> None:
        """Count bytes that came in against the test's budget.

        Raises:
            StepFailed: the budget is spent.
        """
        self.test.allowance.spend(count)

    def note(self, text: str) -> None:
        """Say what was done; shown with the step."""
        self.record.notes.append(text)

    def save(self, name: str, value: object) -> None:
        """Make a value known to the look-ups of later steps."""
        self.test.values[name] = value
        if self.step_id:
            self.test.saved.setdefault(self.step_id, {})[name] = value

    def path(self, name: str) -> Path:
        """A file or folder beside the spec.

        Raises:
            StepFailed: it lies outside the suite.
        """
        found = (self.test.folder / name).resolve()
        if not found.is_relative_to(self.test.root.resolve()):
            raise StepFailed(f"{name!r} lies outside the suite's folder {self.test.root}")
        return found
