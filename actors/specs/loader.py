"""From a file to a spec that was checked as far as can be known before it runs."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from actors.specs.document import MOST_BYTES, Document, Path, read_document
from actors.specs.known_names import lookup_problems
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


def problems_of(
    document: Document, wrong: ValidationError, model: type[BaseModel]
) -> list[Problem]:
    """One problem for each place: a value that fits no alternative fails for each of them."""
    found: dict[tuple[int, int, str], Problem] = {}
    for error in wrong.errors(include_url=False):
        path = _path(document, error["loc"], is_missing=error["type"] == "missing")
        problem = document.problem(path, _message(error, path, model))
        found.setdefault((problem.line, problem.column, problem.path), problem)
    return sorted(found.values())


def _path(document: Document, loc: Sequence[str | int], *, is_missing: bool) -> Path:
    """The error's place without the names of alternatives that pydantic puts in between."""
    path: Path = ()
    for part in loc:
        if (*path, part) in document.places:
            path = (*path, part)
    return (*path, loc[-1]) if is_missing else path


def _message(error: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    match error["type"]:
        case "extra_forbidden":
            key = str(path[-1])
            close = difflib.get_close_matches(
                key, sorted(_known_keys(path[:-1], model)), n=1, cutoff=0.6
            )
            hint = f"; did you mean `{close[0]}`?" if close else ""
            return f"unknown key{hint}"
        case "missing":
            return "is missing"
        case "string_pattern_mismatch":
            return f"{_short(error['input'])} does not look like {error['ctx']['pattern']}"
        case _:
            text = error["msg"].replace(" after validation", "")
            return text[:1].lower() + text[1:]


def _known_keys(path: Path, model: type[BaseModel]) -> set[str]:
    """The keys that a document may have at a path."""
    models: list[type[BaseModel]] = [model]
    for part in path:
        if isinstance(part, int):
            continue
        fields = [_fields(model).get(part) for model in models]
        inner = [each for field in fields if field is not None for each in _models(field)]
        models = inner or [model for model in models if part not in _fields(model)]
    return {key for model in models for key in _fields(model)}


def _fields(model: type[BaseModel]) -> Mapping[str, object]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        root = annotation.model_fields.get("root")
        if root is None:
            yield annotation
        else:
            yield from _models(root.annotation)
        return
    for argument in get_args(annotation):
        yield from _models(argument)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
