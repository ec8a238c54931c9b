"""How much time and how many bytes a test may use."""

from dataclasses import dataclass

from pydantic import Field

from actors.specs.failure import StepFailed
from actors.specs.model import Seconds, SpecModel


class Budget(SpecModel):
    """Limits of one test."""

    seconds: Seconds | None = None
    """All steps together; cleanup in `always` has its own time."""
    bytes: int | None = Field(default=None, gt=0)
    """What all answers and outputs together may hold."""


@dataclass(slots=True)
class Allowance:
    """What is left of a budget."""

    budget: Budget
    begun: float
    received: int = 0

    def ends(self) -> float:
        """When the time is spent, by the clock's monotonic time."""
        return float("inf") if self.budget.seconds is None else self.begun + self.budget.seconds

    def spend(self, count: int) -> None:
        """Count bytes.

        Raises:
            StepFailed: there are more than allowed.
        """
        self.received += count
        limit = self.budget.bytes
        if limit is not None and self.received > limit:
            raise StepFailed(
                f"the test's budget of {limit} bytes is spent", received_bytes=self.received
            )
