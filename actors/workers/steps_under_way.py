"""The steps of a running test, in case that its end is never told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.domain.attempt import Step, StepOutcome

MOST = 500
DEEPEST = 20
DETAIL_CHARACTERS = 8 * 1024
NAME_CHARACTERS = 300
UNFINISHED = "It had not ended when the test's process did."
_OUTCOMES: Mapping[object, StepOutcome] = {"failed": "failed", "skipped": "skipped"}


@dataclass(slots=True)
class _Open:
    kind: str
    name: str
    started: float
    outcome: StepOutcome = "failed"
    seconds: float = 0.0
    detail: str = UNFINISHED
    steps: "list[_Open]" = field(default_factory=list)

    def step(self) -> Step:
        inner = tuple(each.step() for each in self.steps)
        return Step(
            self.kind, self.name, self.outcome, self.seconds, self.started, self.detail, inner
        )


@dataclass(slots=True)
class StepsUnderWay:
    """Folds what a suite tells of the begin and the end of its steps, within bounds."""

    _top: list[_Open] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _count: int = 0

    def take(self, told: Mapping[str, Any]) -> None:  # Any: JSON of our own package
        """One message: a step began within those that are open, or the innermost ended."""
        if "begun" in told:
            self._begin(told["begun"])
        elif "ended" in told and self._open:
            ended, closed = told["ended"], self._open.pop()
            closed.outcome = _OUTCOMES.get(ended["outcome"], "passed")
            closed.seconds = ended["seconds"]
            closed.detail = str(ended["detail"])[:DETAIL_CHARACTERS]

    def steps(self) -> tuple[Step, ...]:
        """Those that began; the ones that did not end have failed."""
        return tuple(each.step() for each in self._top)

    def _begin(self, begun: Mapping[str, Any]) -> None:  # Any: as above
        step = _Open(
            str(begun["kind"])[:40], str(begun["name"])[:NAME_CHARACTERS], begun["started"]
        )
        self._count += 1
        if self._count <= MOST and len(self._open) < DEEPEST:
            (self._open[-1].steps if self._open else self._top).append(step)
        self._open.append(step)
