"""Where the value of a `save` entry comes from."""

import json
import re
from collections.abc import Mapping
from typing import Self

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from actors.specs.failure import StepFailed
from actors.specs.json_path import find, path_problem
from actors.specs.model import SpecModel


class Source(SpecModel):
    """A JSONPath, a header, or what a regular expression finds; a text stands for `json`."""

    json_path: str | None = None
    """JSONPath into the answer."""
    header: str | None = None
    """A header of the answer, which `regex` may look into."""
    regex: str | None = None
    """The first group, or all, of what it finds in the text."""

    @model_validator(mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return {"json_path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.json_path is not None and (self.header or self.regex):
            raise PydanticCustomError("source", "json_path stands alone")
        if self.json_path is None and not self.header and not self.regex:
            raise PydanticCustomError("source", "give json_path, header or regex")
        problem = path_problem(self.json_path) if self.json_path else _regex_problem(self.regex)
        if problem:
            raise PydanticCustomError("source", "{problem}", {"problem": problem})
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Also a text."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core_schema))]}

    def value(self, text: str, headers: Mapping[str, str] | None = None) -> object:
        """The value in an answer.

        Raises:
            StepFailed: there is none.
        """
        if self.json_path is not None:
            found = find(self.json_path, parsed(text))
            if not found:
                raise StepFailed(f"cannot save: nothing at {self.json_path}")
            return found[0]
        if self.header is not None:
            text = (headers or {}).get(self.header.lower()) or ""
            if not text:
                raise StepFailed(f"cannot save: no header {self.header}")
        if self.regex is None:
            return text
        match = re.search(self.regex, text)
        if match is None:
            raise StepFailed(f"cannot save: nothing matches {self.regex!r}")
        return match.group(1) if match.re.groups else match.group()


def parsed(text: str) -> object:
    """The text as JSON.

    Raises:
        StepFailed: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as wrong:
        told = wrong if isinstance(wrong, ValueError) else "it is nested too deep"
        raise StepFailed(f"there is no JSON: {told}", begins=text[:200]) from None


def _regex_problem(regex: str | None) -> str:
    if regex is None or "${" in regex:
        return ""
    try:
        re.compile(regex)
    except re.error as wrong:
        return f"regex is no regular expression: {wrong}"
    return ""
