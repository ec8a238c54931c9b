"""YAML as plain values, each with its place in the file; bounded in size, depth and aliases."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from actors.specs.problem import InvalidSpec, Problem

MOST_BYTES = 1024 * 1024
MOST_VALUES = 50_000
"""Aliases count as what they stand for."""
DEEPEST = 40

Path: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[int, int]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML 1.2, as editors read it: `no` is a text, and so is 12:30
_CORE = (
    (re.compile(r"null|Null|NULL|~|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?\d{1,300}"), int),
    (re.compile(r"0o[0-7]{1,100}"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]{1,100}"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(?:\.\d{1,300}|\d{1,300}(?:\.\d{0,300})?)(?:[eE][-+]?\d{1,3})?"), float),
)
_TEXT = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's value, and where each part of it stands."""

    name: str
    value: object
    places: dict[Path, Place] = field(default_factory=dict)

    def problem(self, path: Path, message: str) -> Problem:
        """A mistake at the deepest part of this path that the file has."""
        known = path
        while known and known not in self.places:
            known = known[:-1]
        line, column = self.places.get(known, (1, 1))
        return Problem(self.name, line, column, path_text(path), message)

    def line(self, path: Path) -> int:
        """The line of a part."""
        return self.places.get(path, (1, 1))[0]


def read_document(name: str, data: bytes) -> Document:
    """The document in a file.

    Raises:
        InvalidSpec: it is no YAML, or holds more than a spec may.
    """
    if len(data) > MOST_BYTES:
        raise InvalidSpec([Problem(name, 1, 1, "", f"the file has more than {MOST_BYTES} bytes")])
    try:
        text = data.decode("utf-8-sig")
        events = yaml.parse(text, Loader=_LOADER)
        return _Composer(name, events).document()
    except UnicodeDecodeError as wrong:
        line = data[: wrong.start].count(b"\n") + 1
        raise InvalidSpec([Problem(name, line, 1, "", "the file is not UTF-8")]) from None
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        told = wrong.problem or wrong.context or "no YAML"
        raise InvalidSpec([Problem(name, line, column, "", f"no YAML: {told}")]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as wrong:
        told = str(wrong).partition("\n")[0] or type(wrong).__name__
        raise InvalidSpec([Problem(name, 1, 1, "", f"no YAML: {told}")]) from None


def path_text(path: Path) -> str:
    """The path as people write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@dataclass(slots=True)
class _Composer:
    name: str
    events: Iterator[yaml.Event]
    places: dict[Path, Place] = field(default_factory=dict)
    anchors: dict[str, tuple[object, int]] = field(default_factory=dict)
    count: int = 0

    def document(self) -> Document:
        next(self.events)  # the stream's start
        event = next(self.events)
        value: object = None
        if isinstance(event, yaml.DocumentStartEvent):
            value = self._value(next(self.events), ())
            next(self.events)
            event = next(self.events)
        if isinstance(event, yaml.DocumentStartEvent):
            raise self._refused(event, (), "the file holds more than one document")
        return Document(self.name, value, self.places)

    def _value(self, event: yaml.Event, path: Path) -> object:
        self.places.setdefault(path, _place(event))
        if len(path) > DEEPEST:
            raise self._refused(event, path[:3], f"nested deeper than {DEEPEST} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._counted(event, path, 1)
        value: object
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(path)
        else:
            value = self._mapping(path)
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            self.anchors[event.anchor] = (value, self.count - before)
        return value

    def _alias(self, event: yaml.AliasEvent, path: Path) -> object:
        if event.anchor not in self.anchors:
            raise self._refused(event, path, f"*{event.anchor} stands for nothing before it")
        value, size = self.anchors[event.anchor]
        self._counted(event, path, size)
        return value

    def _sequence(self, path: Path) -> list[object]:
        found: list[object] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _mapping(self, path: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._refused(event, path, "a key must be a text")
            key = event.value
            if key in found:
                raise self._refused(event, (*path, key), "the key is there twice")
            self.places[(*path, key)] = _place(event)
            found[key] = self._value(next(self.events), (*path, key))
        return found

    def _counted(self, event: yaml.Event, path: Path, size: int) -> int:
        before = self.count
        self.count += size
        if self.count > MOST_VALUES:
            raise self._refused(event, path[:3], f"more than {MOST_VALUES} values")
        return before

    def _refused(self, event: yaml.Event, path: Path, message: str) -> InvalidSpec:
        line, column = _place(event)
        return InvalidSpec([Problem(self.name, line, column, path_text(path), message)])


def _scalar(event: yaml.ScalarEvent) -> object:
    if not event.implicit[0] or event.tag == _TEXT:
        return event.value
    for pattern, convert in _CORE:
        if pattern.fullmatch(event.value):
            value = convert(event.value)
            return event.value if value == float("inf") or value == float("-inf") else value
    return event.value


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
