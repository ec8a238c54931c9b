"""Quarantines of a project."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.quarantine import Quarantine
from harness.stores.sql.codec import Values, micros, optional_micros, optional_time_of, time_of
from harness.stores.sql.scoped import Scoped
from harness.stores.sql.session import Record
from harness.stores.sql.tables import QUARANTINES


@dataclass(frozen=True, slots=True)
class SqlQuarantines:
    """The quarantines of one scope."""

    db: Scoped

    def list(self) -> Sequence[Quarantine]:
        """By pattern."""
        query = self.db.select(QUARANTINES).order_by(QUARANTINES.c.pattern)
        return [_quarantine(row) for row in self.db.rows(query)]

    def put(self, quarantine: Quarantine) -> None:
        """Insert, or replace the one of the same pattern."""
        row: Values = {
            "pattern": quarantine.pattern,
            "reason": quarantine.reason,
            "created_by": quarantine.by,
            "since_us": micros(quarantine.since),
            "until_us": optional_micros(quarantine.until),
        }
        self.db.replace(QUARANTINES, [row], key=("pattern",))

    def remove(self, pattern: str) -> bool:
        """Whether there was one."""
        gone = self.db.delete(QUARANTINES).where(QUARANTINES.c.pattern == pattern)
        return self.db.change(gone) > 0


def _quarantine(row: Record) -> Quarantine:
    return Quarantine(
        pattern=row.pattern,
        reason=row.reason,
        by=row.created_by,
        since=time_of(row.since_us),
        until=optional_time_of(row.until_us),
    )
