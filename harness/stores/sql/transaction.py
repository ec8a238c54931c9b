"""Everything one transaction can do within its scope."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from harness.domain.attempt import ArtifactRef
from harness.domain.ids import RunId
from harness.ports.entropy import Entropy
from harness.stores.sql.assessments import SqlAssessments
from harness.stores.sql.attempts import SqlAttempts
from harness.stores.sql.failures import SqlFailures
from harness.stores.sql.leases import SqlLeases
from harness.stores.sql.model_servers import SqlModelServers
from harness.stores.sql.policies import SqlPolicies
from harness.stores.sql.quarantines import SqlQuarantines
from harness.stores.sql.quotas import SqlQuotas
from harness.stores.sql.run_artifacts import artifacts_of_run, link_artifacts
from harness.stores.sql.runs import SqlRuns
from harness.stores.sql.scoped import Scoped
from harness.stores.sql.tables import REMEMBERED
from harness.stores.sql.tests import SqlTests

if TYPE_CHECKING:
    from harness.ports.policies import ModelServerStore, PolicyStore
    from harness.ports.records import (
        AssessmentStore,
        AttemptStore,
        FailureStore,
        LeaseStore,
        QuarantineStore,
        QuotaStore,
        RunStore,
        TestStore,
    )


class SqlTransaction:
    """All or nothing, within one scope."""

    def __init__(self, db: Scoped, entropy: Entropy) -> None:
        """The stores share one session."""
        self._db = db
        self.runs: RunStore = SqlRuns(db, entropy)
        self.tests: TestStore = SqlTests(db)
        self.attempts: AttemptStore = SqlAttempts(db)
        self.leases: LeaseStore = SqlLeases(db, entropy)
        self.failures: FailureStore = SqlFailures(db)
        self.assessments: AssessmentStore = SqlAssessments(db)
        self.quarantines: QuarantineStore = SqlQuarantines(db)
        self.quotas: QuotaStore = SqlQuotas(db.session, db.scope.tenant)
        self.policies: PolicyStore = SqlPolicies(db.session, db.scope.tenant)
        self.model_servers: ModelServerStore = SqlModelServers(db.session, db.scope.tenant)

    def now(self) -> datetime:
        """The record store's clock, UTC."""
        return self._db.now()

    def once(self, key: str, value: str) -> str:
        """Remember `value` under `key` if nothing stands there; gives what stands there."""
        self._db.keep(REMEMBERED, [{"key": key, "value": value}], key=("key",))
        stands = self._db.rows(self._db.select(REMEMBERED).where(REMEMBERED.c.key == key))
        return str(stands[0].value)

    def link(self, run_id: RunId, artifacts: Sequence[ArtifactRef]) -> None:
        """The run owns these artifacts; a later one of the same name replaces the earlier."""
        link_artifacts(self._db, run_id, artifacts)

    def artifacts(self, run_id: RunId) -> Sequence[ArtifactRef]:
        """What the run owns, by name."""
        return artifacts_of_run(self._db, run_id)
