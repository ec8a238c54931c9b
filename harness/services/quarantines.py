"""Which tests of a project are quarantined, and since when and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.domain.principal import Principal
from harness.domain.quarantine import Quarantine
from harness.domain.scope import Scope
from harness.errors import InvalidInput, NotFound
from harness.ports.records import Records

MOST = 1000
"""Of one project: each is compared with every collected test."""


@dataclass(frozen=True, slots=True)
class Quarantines:
    """Counts for runs that are collected from then on."""

    records: Records

    def list(self, scope: Scope) -> Sequence[Quarantine]:
        """All of them, also those that are over, by pattern."""
        with self.records.transaction(scope) as tx:
            return tx.quarantines.list()

    def put(
        self, scope: Scope, by: Principal, pattern: str, reason: str, until: datetime | None
    ) -> Quarantine:
        """Quarantine tests, or replace the quarantine of the same pattern.

        Raises:
            InvalidInput: it says nothing, is over already, or the project has too many.
        """
        with self.records.transaction(scope) as tx:
            now = tx.now()
            if until is not None and until <= now:
                raise InvalidInput(f"The quarantine would be over since {until.isoformat()}.")
            end = until.astimezone(UTC) if until else None
            found = Quarantine(pattern, reason, by.name, now, end)
            tx.quarantines.put(found)
            if len(tx.quarantines.list()) > MOST:
                raise InvalidInput(
                    f"A project can have {MOST} quarantines. Lift some, or use a glob."
                )
            return found

    def lift(self, scope: Scope, pattern: str) -> None:
        """The tests gate again.

        Raises:
            NotFound: there is no quarantine of this pattern.
        """
        with self.records.transaction(scope) as tx:
            if not tx.quarantines.remove(pattern):
                raise NotFound(f"There is no quarantine of {pattern!r} in this project.")
