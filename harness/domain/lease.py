"""Time-boxed right to work on something, with a fencing token."""

from dataclasses import dataclass
from datetime import datetime

from harness.domain.ids import HostId, LeaseId, RunId


@dataclass(frozen=True, slots=True)
class Lease:
    """A host's right to execute a run's work until `expires_at` of the record store's clock.

    A run has at most one active lease per host. Whoever writes under a lease that is no longer
    active gets `Fenced`.
    """

    id: LeaseId
    run_id: RunId
    host: HostId
    token: int
    """Grows with every lease of the run."""
    expires_at: datetime
