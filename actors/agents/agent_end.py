"""What came of an agent's run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.domain.account import Measure
from harness.domain.sandbox import ExecResult, Reason

BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class AgentEnd:
    """How its program ended, what it spent, and what it was refused."""

    result: ExecResult
    spent: Mapping[Measure, int] = field(default_factory=dict)
    effects: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    """How often, by the kind of denial."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    missing: Sequence[str] = ()
    """Files that were to be fetched and could not be."""
    over_wall: bool = False
    """The budget's time ended it."""

    @property
    def stopped(self) -> str:
        """Why: a `Reason`, or `budget` where a spent budget made it fail or ended it."""
        failed = self.result.reason is Reason.EXIT and self.result.exit_code != 0
        if (failed and self.refused.get(BUDGET)) or self.over_wall:
            return BUDGET
        return str(self.result.reason)
