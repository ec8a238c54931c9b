"""Keeps secret values out of everything that steps record, as soon as a step learns them."""

from dataclasses import dataclass, field

from harness.domain import redaction

SHORTEST = 4
"""Shorter values occur by chance everywhere; they are not replaced."""


@dataclass(slots=True)
class Redactor:
    """Replaces registered values, however they are encoded, by a note of their names."""

    _values: dict[str, str] = field(default_factory=dict)
    _all: redaction.Redactor = field(default_factory=redaction.Redactor)

    def register(self, name: str, value: str) -> None:
        """From now on this value is replaced."""
        if len(value) >= SHORTEST:
            self._values[name] = value
            self._all = redaction.Redactor.of(self._values)

    def text(self, text: str) -> str:
        """The text without any registered value."""
        return self._all.text(text)

    def data(self, data: bytes) -> bytes:
        """The bytes without any registered value, where they are text."""
        return self._all.data(data)

    def __bool__(self) -> bool:
        """Whether there is anything to replace."""
        return bool(self._values)
