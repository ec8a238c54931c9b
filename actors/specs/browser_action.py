"""What a person does in a browser, and sees, as a spec writes it."""

from typing import Annotated, Self

from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from actors.specs.check import Check
from actors.specs.model import SpecModel
from actors.specs.target import Target

NEEDS = (
    "browser steps need pytest-playwright beside the platform: pip install pytest-playwright, "
    "and a browser (`ath doctor` says which it finds)"
)


class Typed(Target):
    """An element and what goes into it."""

    value: str


class Pressed(SpecModel):
    """A key, pressed where the focus is, or in an element."""

    key: str
    """Such as `Enter` or `Control+A`."""
    into: Target | None = None


class Seen(Target):
    """An element and what must hold of it."""

    be: Check


class Sight(SpecModel):
    """What must be seen, within the step's patience."""

    url: Check | None = None
    title: Check | None = None
    """The page's title."""
    visible: Target | None = None
    hidden: Target | None = None
    """Not seen, or not there."""
    text: Seen | None = None
    """The text of an element, without white space around it."""
    value: Seen | None = None
    """What a field holds."""
    count: Seen | None = None
    """How many such elements there are."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("sight", "says nothing: give url, title, visible, …")
        return self


class Action(SpecModel):
    """One of these."""

    goto: str | None = None
    """A path below base_url, or an address."""
    click: Target | None = None
    fill: Typed | None = None
    """Replace what a field holds."""
    press: Pressed | None = None
    select: Typed | None = None
    """Choose an option, by its value or label."""
    check: Target | None = None
    """Tick a box."""
    uncheck: Target | None = None
    expect: Sight | None = None
    screenshot: Annotated[str, StringConstraints(pattern=r"^[\w-]{1,80}$")] | None = None
    """Keep a picture of what is seen, under this name."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = self.model_fields_set
        if len(given) != 1:
            raise PydanticCustomError(
                "action",
                "an action is exactly one of {known}; this has {given}",
                {
                    "known": ", ".join(type(self).model_fields),
                    "given": " and ".join(sorted(given)) or "none",
                },
            )
        return self

    @property
    def words(self) -> str:
        """The action in a few words."""
        (name,) = self.model_fields_set
        value = getattr(self, name)
        match value:
            case Target():
                return f"{name} {value.words}"
            case Pressed():
                return f"press {value.key}"
            case Sight():
                return f"expect {', '.join(sorted(value.model_fields_set))}"
            case _:
                return f"{name} {value}"
