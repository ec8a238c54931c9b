"""Brings what a description refers to into it, so that nobody fetches anything later."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin

from actors.specs.failure import StepFailed
from actors.specs.operations.document import inner_values

MOST_DOCUMENTS = 200
STORE = "x-ath-documents"
"""Where the other documents stand in the whole."""
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_DIALECTS = (
    "http://json-schema.org/",
    "https://json-schema.org/",
    "https://spec.openapis.org/",
)


@dataclass(slots=True)
class Bundle:
    """One document that refers to nothing outside."""

    read: Callable[[str], dict[str, object]]
    """The document at an address; refuses those that must not be read."""
    pointers: dict[str, str] = field(default_factory=dict)
    """Where in the whole each document stands, by its address."""
    waiting: deque[str] = field(default_factory=deque)

    def whole(self, address: str) -> dict[str, object]:
        """The document with all that it refers to; its references are changed in place.

        Raises:
            StepFailed: a document cannot be read, or must not be.
        """
        root = self.read(address)
        self.pointers[address] = ""
        self._point_all(root, address)
        others: dict[str, object] = {}
        while self.waiting:
            place = self.waiting.popleft()
            others[str(len(others))] = document = self.read(place)
            self._point_all(document, place)
        if others:
            root[STORE] = others
        return root

    def _point_all(self, document: object, here: str) -> None:
        seen: set[int] = set()
        stack = [document]
        while stack:
            value = stack.pop()
            if id(value) in seen:
                continue  # an alias
            if isinstance(value, dict | list):
                seen.add(id(value))
            if isinstance(value, dict):
                _forget_fetched(value)
                for key in _REFERENCES:
                    if isinstance(value.get(key), str):  # else a property of this name
                        value[key] = self._pointed(value[key], here)
            stack += inner_values(value)

    def _pointed(self, reference: str, here: str) -> str:
        if reference.startswith("#") and not self.pointers[here]:
            return reference
        place, fragment = urldefrag(urljoin(here, reference))
        if reference.startswith("#"):
            place = here
        if place not in self.pointers:
            if len(self.pointers) >= MOST_DOCUMENTS:
                raise StepFailed(f"{here} leads to more than {MOST_DOCUMENTS} documents")
            self.pointers[place] = f"/{STORE}/{len(self.pointers) - 1}"
            self.waiting.append(place)
        if fragment and not fragment.startswith("/"):
            raise StepFailed(f"{here} refers to an anchor, {reference[:200]!r}; name its path")
        return f"#{self.pointers[place]}{fragment}"


def _forget_fetched(value: dict[str, object]) -> None:
    """Remove what Schemathesis, or its validator, would fetch from wherever it says."""
    if isinstance(value.get("externalValue"), str):
        del value["externalValue"]
    dialect = value.get("$schema")
    if isinstance(dialect, str) and not dialect.startswith(_DIALECTS):
        del value["$schema"]
