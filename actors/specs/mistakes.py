"""What pydantic finds wrong with a document, as problems with their places."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from actors.specs.document import Document, Path
from actors.specs.problem import Problem


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
