"""How every part of a spec behaves."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=120)]
"""Stable name: letters, digits, `_`, `.` and `-`."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=80)]
"""What a look-up can name."""

Seconds = Annotated[float, Field(gt=0, le=3600)]

Json: TypeAlias = JsonValue


class SpecModel(BaseModel):
    """Frozen; unknown keys and infinite numbers are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
