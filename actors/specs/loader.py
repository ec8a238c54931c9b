"""From a file to a spec that was checked as far as can be known before it runs."""

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from actors.specs.document import MOST_BYTES, Document, Path, read_document
from actors.specs.known_names import lookup_problems
from actors.specs.mistakes import problems_of
from actors.specs.problem import InvalidSpec, Problem
from actors.specs.spec import Spec


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A spec with its source."""

    spec: Spec
    document: Document

    def test_line(self, index: int) -> int:
        """Where a test begins."""
        return self.document.line(("tests", index))

    def raw(self, path: Path) -> Any:  # Any: what YAML holds
        """What the author wrote at a path, look-ups unreplaced."""
        value: Any = self.document.value
        for part in path:
            value = value[part]
        return value


def load_file(path: FilePath, name: str | None = None) -> LoadedSpec:
    """The spec in a file; `name` stands for the file in messages.

    Raises:
        InvalidSpec: it is none; holds every mistake found.
    """
    name = name or str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as failed:
        raise InvalidSpec([Problem(name, 1, 1, "", f"cannot be read: {failed}")]) from None
    return load(name, data)


def load(name: str, data: bytes) -> LoadedSpec:
    """The spec in these bytes.

    Raises:
        InvalidSpec: it is none; holds every mistake found.
    """
    document = read_document(name, data)
    if not isinstance(document.value, dict):
        raise InvalidSpec([document.problem((), "a spec is a mapping with the key `tests`")])
    try:
        spec = Spec.model_validate(document.value)
    except ValidationError as wrong:
        raise InvalidSpec(problems_of(document, wrong, Spec)) from None
    found = sorted(lookup_problems(spec, document))
    if found:
        raise InvalidSpec(found)
    return LoadedSpec(spec, document)
