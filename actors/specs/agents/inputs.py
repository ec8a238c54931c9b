"""Values that a goal may use by name; planners, notes and frozen lists never see them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from actors.specs.browser_action import Action

SHORTEST_ANYWHERE = 4
"""Shorter values are hidden only where they stand alone."""
_NAMED = re.compile(r"\$\{inputs\.([A-Za-z_][A-Za-z0-9_-]*)\}")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Names with values."""

    values: Mapping[str, str]
    redact: Callable[[str], str] = str
    """Takes out the test's secrets in all their encodings."""
    _pattern: re.Pattern[str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Long values first: one may be a part of another."""
        parts = [
            re.escape(value) if len(value) >= SHORTEST_ANYWHERE else rf"\b{re.escape(value)}\b"
            for value in sorted(self.values.values(), key=len, reverse=True)
            if value
        ]
        object.__setattr__(self, "_pattern", re.compile("|".join(parts)) if parts else None)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self.values))

    def hide(self, text: str) -> str:
        """The text with `${inputs.<name>}` for each value, so that `fill` can undo it."""
        # A page that shows a name in braces must not get the value for it.
        text = text.replace("${", "$ {")
        if self._pattern is not None:
            named = {value: name for name, value in sorted(self.values.items(), reverse=True)}
            text = self._pattern.sub(lambda found: f"${{inputs.{named[found.group()]}}}", text)
        return self.redact(text)

    def clean(self, text: str) -> str:
        """The same for a text of our own, whose names stay what they are."""
        parts = _NAMED.split(text)
        told = [
            f"${{inputs.{part}}}" if number % 2 else self.hide(part)
            for number, part in enumerate(parts)
        ]
        return "".join(told)

    def fill(self, action: Action) -> Action:
        """The action with values for names.

        Raises:
            KeyError: there is no such name.
        """
        plain = action.model_dump(exclude_unset=True)
        return Action.model_validate(self._filled(plain))

    def _filled(self, value: object) -> object:
        if isinstance(value, dict):
            return {key: self._filled(each) for key, each in value.items()}
        if isinstance(value, str):
            return _NAMED.sub(lambda found: self.values[found.group(1)], value)
        return value

    def unknown(self, action: Action) -> set[str]:
        """Names that the action uses and that there are not."""
        return set(_NAMED.findall(action.model_dump_json(exclude_unset=True))) - set(self.values)
