"""What an HTTP answer must be, as a spec writes it."""

import re
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from actors.specs.check import Check
from actors.specs.json_path import path_problem
from actors.specs.model import Json, Seconds, SpecModel

_STATUS = r"^(?:[1-5]xx|\$\{.*\})$"


def _status_code(value: object) -> object:
    codes = value if isinstance(value, list) else [value]
    if all(type(code) is int and 100 <= code <= 599 for code in codes) and codes:
        return value
    if isinstance(value, str) and re.match(_STATUS, value):
        return value
    raise PydanticCustomError("status", "write a code such as 200, a list of codes, or 2xx")


_CODE = {"type": "integer", "minimum": 100, "maximum": 599}
Status: TypeAlias = Annotated[
    Any,  # Any: a code, codes, or a class; checked above
    BeforeValidator(_status_code),
    WithJsonSchema(
        {
            "anyOf": [
                _CODE,
                {"type": "array", "items": _CODE, "minItems": 1},
                {"type": "string", "pattern": _STATUS},
            ]
        }
    ),
]


class ApiExpectation(SpecModel):
    """What must hold of an answer."""

    status: Status = None
    """A code, several, or a class such as `2xx`; below 400 if not given."""
    headers: dict[str, Check] = {}
    json_: Annotated[dict[str, Check], Field(alias="json")] = {}
    """JSONPath and what must hold there."""
    text: Check | None = None
    """The whole body as text."""
    schema_: Annotated[dict[str, Json] | str | None, Field(alias="schema")] = None
    """JSON Schema that the body satisfies, or a file beside the spec that holds it."""
    seconds: Seconds | None = None
    """The whole answer is here within this time."""

    @model_validator(mode="after")
    def _paths_are_sound(self) -> Self:
        for path in self.json_:
            problem = path_problem(path)
            if problem:
                raise PydanticCustomError("path", "{problem}", {"problem": problem})
        return self
