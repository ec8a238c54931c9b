"""An API's description as plain values, bounded whatever it holds."""

import json
from collections.abc import Iterator

import yaml

from actors.specs.failure import StepFailed

MOST_BYTES = 10 * 1024 * 1024
MOST_YAML_BYTES = 2 * 1024 * 1024
"""Reading YAML takes fifty times as long as reading JSON."""
MOST_VALUES = 1_000_000
"""Aliases count as what they stand for."""
DEEPEST = 100


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # dynamic
    """YAML as far as JSON has it: dates are texts, and so are `no` and `on`."""

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
            or first in "tTfF"
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_api_document(name: str, data: bytes) -> dict[str, object]:
    """The object in a file or an answer, JSON or YAML.

    Raises:
        StepFailed: it is none, or is larger than a description may be.
    """
    if len(data) > MOST_BYTES:
        raise StepFailed(f"{name} has more than {MOST_BYTES >> 20} MiB")
    value = _parsed(name, data)
    if not isinstance(value, dict):
        raise StepFailed(f"{name} holds no object, so it describes no API")
    _bound(name, value)
    return value


def inner_values(value: object) -> Iterator[object]:
    """What a value directly holds."""
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _parsed(name: str, data: bytes) -> object:
    try:
        if data.lstrip()[:1] in {b"{", b"["}:
            return json.loads(data)
        if len(data) > MOST_YAML_BYTES:
            raise StepFailed(
                f"{name} is YAML of more than {MOST_YAML_BYTES >> 20} MiB; give it as JSON"
            )
        return yaml.load(data, Loader=_Loader)  # noqa: S506  # a safe loader with fewer types
    except (ValueError, yaml.YAMLError, RecursionError) as wrong:
        told = str(wrong).partition("\n")[0] or "it is nested too deep"
        raise StepFailed(f"{name} is neither JSON nor YAML: {told}") from None


def _bound(name: str, value: object) -> None:
    """Count every value as often as it occurs; an alias may stand for many, or for itself."""
    sizes: dict[int, int] = {}
    open_: set[int] = set()
    stack: list[tuple[object, bool]] = [(value, False)]
    while stack:
        found, is_left = stack.pop()
        key = id(found)
        if is_left:
            open_.discard(key)
            sizes[key] = 1 + sum(sizes.get(id(each), 1) for each in inner_values(found))
            if sizes[key] > MOST_VALUES:
                raise StepFailed(f"{name} holds more than {MOST_VALUES} values")
        elif key in open_:
            raise StepFailed(f"{name} holds an alias of what it lies in")
        elif isinstance(found, dict | list) and key not in sizes:
            open_.add(key)
            if len(open_) > DEEPEST:
                raise StepFailed(f"{name} is nested deeper than {DEEPEST} levels")
            stack.append((found, True))
            stack += [(each, False) for each in inner_values(found)]
