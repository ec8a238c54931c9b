"""Keeps secret values out of everything that is recorded."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Shorter values occur by chance everywhere; they are not replaced."""


class Redactor:
    """Replaces registered values, however they are encoded, by `[secret NAME]`."""

    def __init__(self) -> None:
        self._forms: dict[str, str] = {}

    def register(self, name: str, value: str) -> None:
        """From now on this value is replaced."""
        if len(value) < SHORTEST:
            return
        for form in _forms(value):
            self._forms.setdefault(form, f"[secret {name}]")
        # The longest first, because one secret may be part of another.
        self._forms = dict(sorted(self._forms.items(), key=lambda pair: -len(pair[0])))

    def text(self, text: str) -> str:
        """The text without any registered value."""
        for form, instead in self._forms.items():
            if form in text:
                text = text.replace(form, instead)
        return text

    def data(self, data: bytes) -> bytes:
        """The bytes without any registered value in UTF-8."""
        for form, instead in self._forms.items():
            data = data.replace(form.encode(), instead.encode())
        return data

    def __bool__(self) -> bool:
        """Whether there is anything to replace."""
        return bool(self._forms)


def _forms(value: str) -> Iterator[str]:
    yield value
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield value.encode().hex()
    yield from _base64_forms(value.encode())


def _base64_forms(value: bytes) -> Iterator[str]:
    """What of the value is seen in base64 at each of the three offsets it may have in a text."""
    for before in range(3):
        padded = bytes(before) + value
        whole = len(padded) - len(padded) % 3
        first = (0, 2, 3)[before]
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            inner = encode(padded[:whole])[first:].decode()
            if len(inner) >= 2 * SHORTEST:
                yield inner
    yield base64.b64encode(value).decode()
    yield base64.urlsafe_b64encode(value).decode()
