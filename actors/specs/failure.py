"""How a step says that something is not as expected."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class StepFailed(AssertionError):
    """An expectation of a step does not hold, or the step could not be carried out."""

    def __init__(self, message: str, **details: object) -> None:
        """A sentence for the tester, and facts that a machine may want."""
        super().__init__(message)
        self.details: Mapping[str, object] = details
