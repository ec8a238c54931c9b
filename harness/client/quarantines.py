"""Tests of the project that run without gating."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.client.connection import Connection
from harness.client.decode import decode
from harness.domain.quarantine import Quarantine


@dataclass(frozen=True, slots=True)
class Quarantines:
    """The quarantines of a project."""

    connection: Connection
    path: str

    def list(self) -> Sequence[Quarantine]:
        """Every one, also those that are over, by pattern."""
        found = self.connection.call("GET", self.path).json()
        return [decode(Quarantine, each) for each in found["quarantines"]]

    def put(self, pattern: str, reason: str, until: datetime | None = None) -> Quarantine:
        """Quarantine tests, or replace the quarantine of the same pattern.

        Raises:
            InvalidInput: it says nothing, or is over already.
        """
        body = {
            "pattern": pattern,
            "reason": reason,
            "until": until.isoformat() if until else None,
        }
        return decode(Quarantine, self.connection.call("PUT", self.path, json=body).json())

    def lift(self, pattern: str) -> None:
        """Let the tests gate again.

        Raises:
            NotFound: there is no quarantine of this pattern.
        """
        self.connection.call("DELETE", self.path, params={"pattern": pattern})
