"""Bounds the scheduler holds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SchedulingLimits:
    """Bounds the scheduler holds."""

    lease_seconds: float = 15.0
    test_seconds: float = 600.0
    run_seconds: float = 4 * 3600.0
    grants_per_run: int = 10
    """A run that loses its hosts this often ends errored instead of going round for ever."""
