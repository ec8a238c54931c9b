"""Which look-ups of a spec can be replaced when they are reached, as far as that is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from actors.specs.document import Document, Path
from actors.specs.lookup import Lookup, lookups
from actors.specs.problem import Problem
from actors.specs.spec import DESCRIBED, Spec, TestSpec
from actors.specs.step import Step

if TYPE_CHECKING:
    from actors.specs.operations.entry import Described

ANY = None
"""Stands for names that nobody knows beforehand."""


@dataclass(slots=True)
class KnownNames:
    """Names as a tree: what a look-up may say at this point of a test."""

    names: dict[str, "KnownNames | None"] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Mapping[str, object] | Sequence[str]) -> "KnownNames":
        """Names whose insides are not known."""
        return cls(dict.fromkeys(names, ANY))

    def problem(self, lookup: Lookup) -> str:
        """Why the look-up leads nowhere; empty where it may be right."""
        if not lookup.parts:
            return f"${{{lookup.name}}} is no look-up: names and dots only, no expressions"
        here: KnownNames | None = self
        for index, part in enumerate(lookup.parts):
            if here is None:
                return ""
            if part not in here.names:
                return _unknown(lookup, index, sorted(here.names))
            here = here.names[part]
        return "" if here is None else f"${{{lookup.name}}} needs one of {_listed(here.names)}"


def lookup_problems(spec: Spec, document: Document) -> Iterator[Problem]:
    """Every look-up that cannot be right."""
    suite = _suite_names(spec)
    whole = document.value if isinstance(document.value, dict) else {}
    yield from _checked(document, ("base_url",), whole.get("base_url"), suite)
    yield from _described(spec, whole, document, suite)
    for index, test in enumerate(spec.tests):
        path: Path = ("tests", index)
        known = KnownNames(dict(suite.names))
        known.names.update(KnownNames.of(test.variables).names)
        known.names["fixtures"] = KnownNames.of([*spec.use, *test.use])
        yield from _rows(test, document, path)
        if test.matrix:
            known.names["matrix"] = KnownNames.of(next(iter(test.matrix.values())))
        yield from _steps(test, whole["tests"][index], document, path, known)


def _described(
    spec: Spec, whole: Mapping[str, object], document: Document, suite: KnownNames
) -> Iterator[Problem]:
    """Tests that an API's description makes."""
    for kind in DESCRIBED:
        entry: Described | None = getattr(spec, kind)
        if entry is not None:
            known = KnownNames(dict(suite.names))
            known.names["fixtures"] = KnownNames.of([*spec.use, *entry.use])
            yield from _checked(document, (kind,), whole[kind], known)


def _suite_names(spec: Spec) -> KnownNames:
    return KnownNames(
        {
            **KnownNames.of(spec.variables).names,
            "base_url": ANY,
            "env": KnownNames.of(spec.environment),
            "secrets": KnownNames.of(spec.secrets),
        }
    )


def _rows(test: TestSpec, document: Document, path: Path) -> Iterator[Problem]:
    """All rows of a matrix have the columns of the first."""
    columns = set(next(iter(test.matrix.values()), {}))
    for row, values in test.matrix.items():
        for column in sorted(columns ^ set(values)):
            told = "lacks" if column in columns else "alone has"
            yield document.problem((*path, "matrix", row), f"{told} the column {column!r}")


def _steps(
    test: TestSpec, written: Mapping[str, object], document: Document, path: Path, known: KnownNames
) -> Iterator[Problem]:
    saved: dict[str, KnownNames | None] = {}
    known.names["steps"] = KnownNames(saved)
    for part, steps in (("steps", test.steps), ("always", test.always)):
        raw = written.get(part)
        for index, step in enumerate(steps):
            where = (*path, part, index)
            yield from _checked(document, where, raw[index] if isinstance(raw, list) else {}, known)
            names = _saves(step)
            known.names.update(KnownNames.of(names).names)
            if step.id:
                saved[step.id] = KnownNames.of(names)


def _saves(step: Step) -> Sequence[str]:
    return list(getattr(getattr(step, step.kind), "save", {}))


def _checked(document: Document, path: Path, value: object, known: KnownNames) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(document, (*path, key), key, known)
            yield from _checked(document, (*path, key), each, known)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _checked(document, (*path, index), each, known)
    elif isinstance(value, str):
        yield from _texts(document, path, value, known)


def _texts(document: Document, path: Path, text: str, known: KnownNames) -> Iterator[Problem]:
    for lookup in lookups(text):
        problem = known.problem(lookup)
        if problem:
            yield document.problem(path, problem)


def _unknown(lookup: Lookup, index: int, known: Sequence[str]) -> str:
    part = lookup.parts[index]
    where = ".".join(lookup.parts[:index])
    close = get_close_matches(part, known, n=1, cutoff=0.6)
    if close:
        parts = [*lookup.parts[:index], close[0], *lookup.parts[index + 1 :]]
        hint = f"did you mean `${{{'.'.join(parts)}}}`?"
    elif where in {"env", "secrets"}:
        field = "environment" if where == "env" else "secrets"
        hint = f"name {part} under `{field}:`"
    else:
        hint = f"known here: {_listed(known)}"
    return f"${{{lookup.name}}} is unknown; {hint}"


def _listed(names: Mapping[str, object] | Sequence[str]) -> str:
    return ", ".join(sorted(names)[:20]) or "nothing"
