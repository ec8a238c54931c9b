"""FailureClusters of a project, and which failures of a run belong to them."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.ids import AttemptId, ClusterId, RunId, TestId
from harness.stores.sql.codec import NAMES, WEIGHTS, Values, micros, time_of
from harness.stores.sql.scoped import Scoped, chunks
from harness.stores.sql.session import Record
from harness.stores.sql.tables import ASSIGNMENTS, FAILURE_CLUSTERS


@dataclass(frozen=True, slots=True)
class SqlFailures:
    """The failures of one scope."""

    db: Scoped

    def clusters(self, algorithm: str, *, limit: int = 1000) -> Sequence[FailureCluster]:
        """Most recently seen first."""
        query = (
            self.db.select(FAILURE_CLUSTERS)
            .where(FAILURE_CLUSTERS.c.algorithm == algorithm)
            .order_by(FAILURE_CLUSTERS.c.last_seen_us.desc(), FAILURE_CLUSTERS.c.id.desc())
        )
        return [_cluster(row) for row in self.db.rows(query.limit(limit))]

    def save(self, cluster: FailureCluster) -> None:
        """Insert or replace."""
        row: Values = {
            "id": cluster.id,
            "algorithm": cluster.algorithm,
            "title": cluster.title,
            "size": cluster.size,
            "first_seen_us": micros(cluster.first_seen),
            "last_seen_us": micros(cluster.last_seen),
            "centroid": WEIGHTS.text(cluster.centroid),
            "keys": NAMES.text(cluster.keys),
        }
        self.db.replace(FAILURE_CLUSTERS, [row], key=("id",))

    def assign(self, assignment: Assignment) -> None:
        """Remember where an attempt belongs; once per attempt and algorithm."""
        row: Values = {
            "run_id": assignment.run_id,
            "attempt_id": assignment.attempt_id,
            "test_id": assignment.test_id,
            "cluster_id": assignment.cluster_id,
            "score": assignment.score,
            "is_new": assignment.is_new,
            "reason": assignment.reason,
            "algorithm": assignment.algorithm,
        }
        self.db.keep(ASSIGNMENTS, [row], key=("attempt_id", "algorithm"))

    def of_run(self, run_id: RunId) -> Sequence[tuple[Assignment, FailureCluster]]:
        """The run's assignments, in order of assignment."""
        query = self.db.select(ASSIGNMENTS).where(ASSIGNMENTS.c.run_id == run_id)
        assignments = [
            _assignment(row) for row in self.db.rows(query.order_by(ASSIGNMENTS.c.position))
        ]
        clusters = self._by_id({each.cluster_id for each in assignments})
        return [(each, clusters[each.cluster_id]) for each in assignments]

    def _by_id(self, cluster_ids: set[ClusterId]) -> dict[ClusterId, FailureCluster]:
        query = self.db.select(FAILURE_CLUSTERS)
        return {
            ClusterId(row.id): _cluster(row)
            for piece in chunks(cluster_ids)
            for row in self.db.rows(query.where(FAILURE_CLUSTERS.c.id.in_(piece)))
        }


def _cluster(row: Record) -> FailureCluster:
    return FailureCluster(
        id=ClusterId(row.id),
        title=row.title,
        centroid=WEIGHTS.value(row.centroid),
        keys=NAMES.value(row.keys),
        size=row.size,
        first_seen=time_of(row.first_seen_us),
        last_seen=time_of(row.last_seen_us),
        algorithm=row.algorithm,
    )


def _assignment(row: Record) -> Assignment:
    return Assignment(
        run_id=RunId(row.run_id),
        attempt_id=AttemptId(row.attempt_id),
        test_id=TestId(row.test_id),
        cluster_id=ClusterId(row.cluster_id),
        score=row.score,
        is_new=row.is_new,
        reason=row.reason,
        algorithm=row.algorithm,
    )
