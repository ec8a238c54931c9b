"""Readiness verdicts by run."""

from dataclasses import dataclass

from harness.domain.assessment import Assessment
from harness.domain.ids import RunId
from harness.stores.sql.codec import ASSESSMENT
from harness.stores.sql.scoped import Scoped
from harness.stores.sql.tables import ASSESSMENTS


@dataclass(frozen=True, slots=True)
class SqlAssessments:
    """The assessments of one scope."""

    db: Scoped

    def save(self, run_id: RunId, assessment: Assessment) -> None:
        """Insert or replace."""
        row = {"run_id": run_id, "assessment": ASSESSMENT.text(assessment)}
        self.db.replace(ASSESSMENTS, [row], key=("run_id",))

    def of_run(self, run_id: RunId) -> Assessment | None:
        """None while the run was not assessed."""
        found = self.db.rows(self.db.select(ASSESSMENTS).where(ASSESSMENTS.c.run_id == run_id))
        return ASSESSMENT.value(found[0].assessment) if found else None

    def forget(self, run_id: RunId) -> None:
        """The run is to be assessed again."""
        self.db.change(self.db.delete(ASSESSMENTS).where(ASSESSMENTS.c.run_id == run_id))
