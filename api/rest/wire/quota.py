"""Quotas on the wire."""

from typing import Annotated

from pydantic import Field

from api.rest.wire.model import WireModel
from harness.domain.quota import MAX_CAPACITY, QuotaName


class QuotaWire(WireModel):
    """A limit of a tenant."""

    name: QuotaName
    capacity: int | None
    """Null means without limit."""
    used: int | None
    """Null where only the scheduler knows."""


class QuotaList(WireModel):
    """Every limit of a tenant."""

    quotas: list[QuotaWire]


class CapacityWire(WireModel):
    """What a limit shall be."""

    capacity: Annotated[int, Field(ge=0, le=MAX_CAPACITY)] | None
    """Null goes back to what the installation says."""
