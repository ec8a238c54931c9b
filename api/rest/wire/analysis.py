"""Failure clusters and readiness verdicts on the wire."""

from datetime import datetime

from api.rest.wire.model import WireModel
from harness.domain.assessment import Assessment, Readiness
from harness.domain.failure_cluster import Assignment, FailureCluster


class ClusterWire(WireModel):
    """Failures that probably share a cause."""

    id: str
    title: str
    size: int
    """Over all runs of the project."""
    first_seen: datetime
    last_seen: datetime
    algorithm: str


class AssignmentWire(WireModel):
    """One failed attempt in its cluster."""

    attempt_id: str
    test_id: str
    cluster_id: str
    score: float
    is_new: bool
    reason: str
    algorithm: str


class FailurePage(WireModel):
    """A run's failures, grouped."""

    clusters: list[ClusterWire]
    assignments: list[AssignmentWire]


class AssessmentWire(WireModel):
    """A readiness verdict with its evidence."""

    readiness: Readiness
    regression_probability: float
    reasons: list[str]
    passed_rules: list[str]
    uncovered: list[str]
    evidence: dict[str, float]
    algorithm: str


def assignment_wire(assignment: Assignment) -> AssignmentWire:
    """The assignment for the wire."""
    return AssignmentWire.model_construct(
        attempt_id=assignment.attempt_id,
        test_id=assignment.test_id,
        cluster_id=assignment.cluster_id,
        score=assignment.score,
        is_new=assignment.is_new,
        reason=assignment.reason,
        algorithm=assignment.algorithm,
    )


def cluster_wire(cluster: FailureCluster) -> ClusterWire:
    """The cluster for the wire, without its centroid."""
    return ClusterWire.model_construct(
        id=cluster.id,
        title=cluster.title,
        size=cluster.size,
        first_seen=cluster.first_seen,
        last_seen=cluster.last_seen,
        algorithm=cluster.algorithm,
    )


def assessment_wire(assessment: Assessment) -> AssessmentWire:
    """The verdict for the wire."""
    return AssessmentWire.model_construct(
        readiness=assessment.readiness,
        regression_probability=assessment.regression_probability,
        reasons=list(assessment.reasons),
        passed_rules=list(assessment.passed_rules),
        uncovered=list(assessment.uncovered),
        evidence=dict(assessment.evidence),
        algorithm=assessment.algorithm,
    )
