"""Failures with one cause, grouped: FailureSignature, FailureCluster and who belongs where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.domain.ids import AttemptId, ClusterId, RunId, TestId


@dataclass(frozen=True, slots=True)
class FailureSignature:
    """What of a Failure identifies its cause, after everything accidental was taken out."""

    key: str
    """Failures with the same key are the same failure."""
    title: str
    """One line for people."""
    features: Mapping[str, float]
    """Weighted features of unit length."""
    algorithm: str
    """Name and version of what made it; signatures of two algorithms are never compared."""


@dataclass(frozen=True, slots=True)
class FailureCluster:
    """Failures of a project that probably share a cause; its id never changes."""

    id: ClusterId
    title: str
    centroid: Mapping[str, float]
    keys: tuple[str, ...]
    """Exact signature keys that belong here, newest last, bounded."""
    size: int
    first_seen: datetime
    last_seen: datetime
    algorithm: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """One failed attempt in its cluster, with the reason."""

    run_id: RunId
    attempt_id: AttemptId
    test_id: TestId
    cluster_id: ClusterId
    score: float
    """Similarity from 0 to 1; 1 for an exact key."""
    is_new: bool
    """Whether this failure opened the cluster."""
    reason: str
    """One line: why it was put here."""
    algorithm: str
