"""What a value must be like: a literal, or operators that must all hold."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from actors.specs.model import Json, SpecModel

SHOWN = 300


class Check(SpecModel):
    """A literal that is not an object stands for `equals`."""

    equals: Json = None
    """The same JSON value."""
    not_equals: Json = None
    """Another JSON value."""
    contains: Json = None
    """A text holds this text, a list this item."""
    excludes: Json = None
    """A text does not hold this text, a list not this item."""
    matches: str | None = None
    """A regular expression is found in the text."""
    one_of: list[Json] | None = None
    """One of these values."""
    exists: bool | None = None
    """Whether there is anything at all."""
    length: Annotated[int, Field(ge=0)] | None = None
    """How many characters, items or members."""
    min: float | None = None
    """A number at least this large."""
    max: float | None = None
    """A number at most this large."""

    @model_validator(mode="before")
    @classmethod
    def _literal(cls, value: object) -> object:
        if isinstance(value, Check | dict):
            return value
        return {"equals": value}

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("check", "says nothing: give a value or an operator")
        if self.matches is not None and "${" not in self.matches:
            try:
                re.compile(self.matches)
            except re.error as wrong:
                raise PydanticCustomError(
                    "check", "matches is no regular expression: {why}", {"why": str(wrong)}
                ) from None
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Also a literal."""
        operators = handler.resolve_ref_schema(handler(core_schema))
        operators["minProperties"] = 1
        literal = {"type": ["string", "number", "boolean", "null", "array"]}
        return {"anyOf": [literal, operators]}


def problems(check: Check, subject: str, values: Sequence[object]) -> Iterator[str]:
    """What of a check does not hold for the value, if there is one: `$.name is 3, expected 4`."""
    given = check.model_fields_set
    if check.exists is not None and check.exists is not bool(values):
        yield f"{subject} {'does not exist' if check.exists else f'exists: {shown(values[0])}'}"
        return
    if not values:
        if given - {"exists", "not_equals", "excludes"}:
            yield f"{subject} does not exist"
        return
    for operator in sorted(given - {"exists"}):
        wanted = getattr(check, operator)
        if not _OPERATORS[operator](values[0], wanted):
            yield f"{subject} is {shown(values[0])}, expected {_worded(operator, wanted)}"


def same(one: object, other: object) -> bool:
    """Whether two JSON values are equal; true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def shown(value: object) -> str:
    """A value as one short line."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        return "(nested too deep to show)"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


def _worded(operator: str, wanted: object) -> str:
    match operator:
        case "equals":
            return shown(wanted)
        case "min" | "max":
            return f"at {'least' if operator == 'min' else 'most'} {wanted:g}"
        case "length":
            return f"length {wanted}"
        case _:
            words = {"not_equals": "another value than", "excludes": "none that contains",
                     "contains": "one that contains", "matches": "one that matches",
                     "one_of": "one of"}  # fmt: skip
            return f"{words[operator]} {shown(wanted)}"


def _contains(value: object, wanted: object) -> bool:
    if isinstance(value, str):
        return str(wanted) in value
    if isinstance(value, list):
        return any(same(each, wanted) for each in value)
    return isinstance(value, dict) and wanted in value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_OPERATORS: dict[str, Any] = {  # Any: each compares two JSON values
    "equals": same,
    "not_equals": lambda value, wanted: not same(value, wanted),
    "contains": _contains,
    "excludes": lambda value, wanted: not _contains(value, wanted),
    "matches": lambda value, wanted: isinstance(value, str) and bool(re.search(wanted, value)),
    "one_of": lambda value, wanted: any(same(value, each) for each in wanted),
    "length": lambda value, wanted: isinstance(value, str | list | dict) and len(value) == wanted,
    "min": lambda value, wanted: _is_number(value) and value >= wanted,
    "max": lambda value, wanted: _is_number(value) and value <= wanted,
}
