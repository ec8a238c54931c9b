"""`${name}`: the only thing that is replaced in a spec. There is no expression language."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_LOOKUP = re.compile(r"\$\$(?=\{)|\$\{([^{}]*)\}")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")


class UnknownLookup(Exception):
    """A look-up that cannot be replaced."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One look-up in a text."""

    name: str
    """What stands between the braces."""

    @property
    def parts(self) -> Sequence[str]:
        """The name at its dots; empty where it is no name."""
        return self.name.split(".") if _PATH.fullmatch(self.name) else ()


def lookups(value: object) -> Iterator[Lookup]:
    """All look-ups in a text, or in the texts and keys of a JSON value."""
    if isinstance(value, str):
        for match in _LOOKUP.finditer(value):
            if match.group(1) is not None:
                yield Lookup(match.group(1))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from lookups(key)
            yield from lookups(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from lookups(each)


def filled(value: object, names: Mapping[str, object]) -> object:
    """The value with every look-up replaced, in keys too.

    A text that is one look-up and nothing else becomes what was looked up, whatever its type.
    `$${` stands for `${`.

    Raises:
        UnknownLookup: a name leads nowhere.
    """
    if isinstance(value, str):
        return _filled_text(value, names)
    if isinstance(value, Mapping):
        return {str(_filled_text(str(k), names)): filled(v, names) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, names) for each in value]
    return value


def found(lookup: Lookup, names: Mapping[str, object]) -> object:
    """What a look-up names; dots lead into objects and lists.

    Raises:
        UnknownLookup: it leads nowhere.
    """
    if not lookup.parts:
        raise UnknownLookup(f"${{{lookup.name}}} is no look-up: only names and dots are allowed")
    value: object = names
    for index, part in enumerate(lookup.parts):
        value = _inside(value, part, lookup, index)
    return value


def text_of(value: object) -> str:
    """A value as it stands inside a text."""
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _filled_text(text: str, names: Mapping[str, object]) -> object:
    whole = _LOOKUP.fullmatch(text)
    if whole and whole.group(1) is not None:
        return found(Lookup(whole.group(1)), names)

    def instead(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else text_of(found(Lookup(name), names))

    return _LOOKUP.sub(instead, text)


def _inside(value: object, part: str, lookup: Lookup, index: int) -> object:
    if isinstance(value, Mapping) and part in value:
        return value[part]
    if isinstance(value, list) and part.isdigit() and int(part) < len(value):
        return value[int(part)]
    where = ".".join(lookup.parts[:index]) or "this test"
    raise UnknownLookup(f"${{{lookup.name}}} is unknown: {where} has no {part!r}")
