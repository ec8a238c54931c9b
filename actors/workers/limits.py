"""What one host may use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostLimits:
    """What one host may use."""

    workers: int
    renew_seconds: float = 5.0
    memory_bytes: int = 4 << 30
    """Of all processes of one run."""
    artifact_bytes: int = 100 << 20
    collect_seconds: float = 600.0
