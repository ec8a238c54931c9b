"""Quarantines on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, StringConstraints

from api.rest.wire.model import WireModel
from harness.domain.quarantine import MAX_PATTERN, MAX_REASON


class PutQuarantineWire(WireModel):
    """What shall not gate, and why."""

    pattern: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PATTERN)]
    """A test's id, or a glob of ids."""
    reason: Annotated[str, StringConstraints(min_length=1, max_length=MAX_REASON)]
    until: AwareDatetime | None = None
    """When the tests gate again; null means when somebody lifts it."""


class QuarantineWire(WireModel):
    """One or more tests of a project."""

    pattern: str
    reason: str
    by: str
    since: datetime
    until: datetime | None


class QuarantineList(WireModel):
    """Every quarantine of a project."""

    quarantines: list[QuarantineWire]
