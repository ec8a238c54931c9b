"""What an action in a browser is about."""

from typing import Annotated, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from actors.specs.model import SpecModel

_WAYS = ("role", "label", "text", "placeholder", "alt", "title", "test_id", "css")


class Target(SpecModel):
    """An element, found as a person would; a text stands for `css`."""

    role: str | None = None
    """Its ARIA role, such as `button`, `link`, `heading`, with `name`."""
    name: str | None = None
    """What it is called: its accessible name, beside `role`."""
    label: str | None = None
    """The label of a field."""
    text: str | None = None
    """The text it shows."""
    placeholder: str | None = None
    alt: str | None = None
    """The text that stands for a picture."""
    title: str | None = None
    test_id: str | None = None
    css: str | None = None
    """A selector: CSS, or whatever Playwright takes."""
    exact: bool = False
    """The whole text, with its case."""
    nth: Annotated[int, Field(ge=0)] | None = None
    """Which of several, from 0."""
    inside: "Target | None" = None
    """An element around it."""

    @model_validator(mode="before")
    @classmethod
    def _selector(cls, value: object) -> object:
        return {"css": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_one_way(self) -> Self:
        given = [way for way in _WAYS if getattr(self, way) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "target",
                "name an element in one of these ways: {ways}; this has {given}",
                {"ways": ", ".join(_WAYS), "given": " and ".join(given) or "none"},
            )
        if self.name is not None and self.role is None:
            raise PydanticCustomError("target", "name goes with role")
        return self

    @property
    def words(self) -> str:
        """The element in a few words."""
        way = next(way for way in _WAYS if getattr(self, way) is not None)
        told = f"{way} {getattr(self, way)!r}"
        told += f" named {self.name!r}" if self.name is not None else ""
        told += f" number {self.nth}" if self.nth is not None else ""
        return told + (f" inside {self.inside.words}" if self.inside else "")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Also a text."""
        found = handler.resolve_ref_schema(handler(core_schema))
        return {"anyOf": [{"type": "string"}, found]}
