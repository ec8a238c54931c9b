"""What a tool takes, as a model that refuses everything else."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import InvalidInput

_MOST_PROBLEMS = 5


class Arguments(BaseModel):
    """Frozen; unknown names, other types and infinite numbers are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    @classmethod
    def read(cls, given: Mapping[str, object]) -> Self:
        """These arguments.

        Raises:
            InvalidInput: they do not fit; the message names what does not.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as wrong:
            problems = wrong.errors(include_url=False, include_input=False)[:_MOST_PROBLEMS]
            raise InvalidInput("; ".join(map(_worded, problems))) from None

    @classmethod
    def described(cls) -> dict[str, Any]:  # Any: a JSON Schema
        """Their JSON Schema."""
        return cls.model_json_schema()


def _worded(problem: Mapping[str, Any]) -> str:  # Any: pydantic's own
    where = ".".join(str(part)[:80] for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else str(problem["msg"])
