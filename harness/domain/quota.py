"""What a tenant may have at once."""

from dataclasses import dataclass
from enum import StrEnum

from harness.errors import InvalidInput

MAX_CAPACITY = 1_000_000


class QuotaName(StrEnum):
    """What is limited."""

    ACTIVE_RUNS = "active_runs"
    """Runs that were accepted and have not ended."""
    WORKERS = "workers"
    """Tests executed side by side, over all of the tenant's runs."""
    BROWSERS = "browsers"
    """Browsers leased from the pool, whatever their type."""
    BROWSERS_CHROMIUM = "browsers_chromium"
    """Chromiums leased from the pool."""
    SANDBOXES = "sandboxes"
    """Sandboxes that live at a time."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit of one tenant, and what it uses of it.

    Raises:
        InvalidInput: the capacity is out of range.
    """

    name: QuotaName
    capacity: int | None
    """None means without limit."""
    used: int | None = None
    """None where only the scheduler knows."""

    def __post_init__(self) -> None:
        """Refuse what nobody can mean."""
        if self.capacity is not None and not 0 <= self.capacity <= MAX_CAPACITY:
            raise InvalidInput(
                f"The quota {self.name} cannot be {self.capacity}; use 0 to {MAX_CAPACITY}."
            )
