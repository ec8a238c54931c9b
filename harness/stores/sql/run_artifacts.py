"""Which artifacts a run owns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.domain.attempt import ArtifactRef
from harness.domain.ids import Digest, RunId
from harness.stores.sql.scoped import Scoped
from harness.stores.sql.tables import RUN_ARTIFACTS

if TYPE_CHECKING:
    from harness.stores.sql.codec import Values


def link_artifacts(db: Scoped, run_id: RunId, artifacts: Sequence[ArtifactRef]) -> None:
    """The run owns these; a later one of the same name replaces the earlier."""
    rows: list[Values] = [
        {
            "run_id": run_id,
            "name": artifact.name,
            "digest": artifact.digest,
            "size": artifact.size,
            "media_type": artifact.media_type,
        }
        for artifact in artifacts
    ]
    db.replace(RUN_ARTIFACTS, rows, key=("run_id", "name"))


def artifacts_of_run(db: Scoped, run_id: RunId) -> list[ArtifactRef]:
    """What the run owns, by name."""
    query = db.select(RUN_ARTIFACTS).where(RUN_ARTIFACTS.c.run_id == run_id)
    return [
        ArtifactRef(row.name, Digest(row.digest), row.size, row.media_type)
        for row in db.rows(query.order_by(RUN_ARTIFACTS.c.name))
    ]
