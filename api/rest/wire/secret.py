"""Secrets on the wire; a value travels one way only."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.rest.wire.model import WireModel
from harness.domain.secret import Secret


class ValueWire(WireModel):
    """What a secret is to be."""

    value: Annotated[str, StringConstraints(max_length=32 * 1024)] = Field(repr=False)


class SecretWire(WireModel):
    """That there is a secret."""

    name: str
    updated_at: datetime
    updated_by: str


class SecretPage(WireModel):
    """Secrets by name."""

    secrets: list[SecretWire]


def secret_wire(secret: Secret) -> SecretWire:
    """The secret for the wire."""
    return SecretWire.model_construct(
        name=secret.name, updated_at=secret.updated_at, updated_by=secret.updated_by
    )
