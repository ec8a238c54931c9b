"""How every part of a spec behaves."""

import keyword
from typing import Annotated, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

RESERVED = frozenset({"base_url", "env", "fixtures", "matrix", "secrets", "steps"})
"""Look-ups with a meaning of their own."""


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise PydanticCustomError("name", "`{name}` has a meaning of its own", {"name": name})
    return name


def _not_keyword(name: str) -> str:
    if keyword.iskeyword(name):
        raise PydanticCustomError("name", "`{name}` cannot be a fixture", {"name": name})
    return name


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=120)]
"""Stable name: letters, digits, `_`, `.` and `-`."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=80)]
"""What a look-up can name."""

Variable = Annotated[Name, AfterValidator(_not_reserved)]
"""A name for a value of one's own."""

Fixture = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=80),
    AfterValidator(_not_keyword),
]
"""A pytest fixture."""

Seconds = Annotated[float, Field(gt=0, le=3600)]

Json: TypeAlias = JsonValue


class SpecModel(BaseModel):
    """Frozen; unknown keys and infinite numbers are refused, a number will do for a text."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
        use_attribute_docstrings=True,
    )
