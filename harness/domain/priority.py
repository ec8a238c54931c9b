"""How urgent a run is."""

from enum import StrEnum


class Priority(StrEnum):
    """How a run stands among the runs of its own tenant; other tenants are not affected."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
