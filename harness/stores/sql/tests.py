"""The TestCases of runs, and what a project remembers of its tests."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.domain.assessment import TestHistory
from harness.domain.ids import RunId, TestId
from harness.domain.suite import TestCase
from harness.stores.sql.scoped import Scoped, chunks
from harness.stores.sql.session import Record
from harness.stores.sql.tables import TEST_HISTORIES, TEST_SECONDS, TESTS

if TYPE_CHECKING:
    from harness.stores.sql.codec import Values


@dataclass(frozen=True, slots=True)
class SqlTests:
    """The tests of one scope."""

    db: Scoped

    def add(self, run_id: RunId, cases: Sequence[TestCase]) -> None:
        """Store what was collected."""
        rows: list[Values] = [
            {
                "run_id": run_id,
                "test_index": case.index,
                "test_id": case.id,
                "file": case.file,
                "line": case.line,
                "serial_group": case.serial_group,
                "quarantined": case.quarantined,
            }
            for case in cases
        ]
        self.db.insert(TESTS, rows)

    def of_run(self, run_id: RunId) -> Sequence[TestCase]:
        """In the order of collection."""
        query = self.db.select(TESTS).where(TESTS.c.run_id == run_id).order_by(TESTS.c.test_index)
        return [_case(row) for row in self.db.rows(query)]

    def seconds(self, test_ids: Collection[TestId]) -> Mapping[TestId, float]:
        """Expected duration of those tests that the project ever measured."""
        query = self.db.select(TEST_SECONDS)
        return {
            TestId(row.test_id): row.seconds
            for piece in chunks(test_ids)
            for row in self.db.rows(query.where(TEST_SECONDS.c.test_id.in_(piece)))
        }

    def histories(self, environment: str, test_ids: Collection[TestId]) -> Sequence[TestHistory]:
        """What earlier runs against the environment saw of these tests."""
        query = self.db.select(TEST_HISTORIES).where(TEST_HISTORIES.c.environment == environment)
        return [
            TestHistory(TestId(row.test_id), row.runs, row.failed, row.flaky)
            for piece in chunks(test_ids)
            for row in self.db.rows(query.where(TEST_HISTORIES.c.test_id.in_(piece)))
        ]

    def remember(
        self, environment: str, histories: Sequence[TestHistory], seconds: Mapping[TestId, float]
    ) -> None:
        """Replace the histories and durations of these tests."""
        rows: list[Values] = [
            {
                "environment": environment,
                "test_id": history.test_id,
                "runs": history.runs,
                "failed": history.failed,
                "flaky": history.flaky,
            }
            for history in histories
        ]
        measured: list[Values] = [
            {"test_id": test_id, "seconds": took} for test_id, took in seconds.items()
        ]
        self.db.replace(TEST_HISTORIES, rows, key=("environment", "test_id"))
        self.db.replace(TEST_SECONDS, measured, key=("test_id",))


def _case(row: Record) -> TestCase:
    return TestCase(
        id=TestId(row.test_id),
        index=row.test_index,
        file=row.file,
        line=row.line,
        serial_group=row.serial_group,
        quarantined=row.quarantined,
    )
