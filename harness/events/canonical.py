"""JSON in the one form that RFC 8785 allows, so that equal values have equal hashes."""

import json
from typing import TypeAlias, cast

import rfc8785

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"

_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_MAX_INTEGER = 2**53 - 1


def canonical(value: Json) -> bytes:
    """The canonical bytes; values that Python writes alike take a shorter path.

    Raises:
        rfc8785.CanonicalizationError: the value has no canonical form.
    """
    if _is_plain(value):
        try:
            return _ENCODER.encode(value).encode()
        except UnicodeEncodeError:
            pass  # the slow path words the error
    return rfc8785.dumps(cast("dict[str, object]", value))  # type: ignore[arg-type]  # its own JSON alias is not recursive


def _is_plain(value: Json) -> bool:
    """Whether Python's own JSON of this value is the canonical one."""
    kind = type(value)
    if isinstance(value, str) or kind is bool or value is None:
        return True
    if isinstance(value, dict):
        # Keys beyond ASCII may sort differently by UTF-16 units.
        return all(
            type(key) is str and key.isascii() and _is_plain(each) for key, each in value.items()
        )
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, float):
        # Elsewhere ECMAScript writes other digits: 1 for 1.0, 1e-7 for 1e-07, all of 1e+20.
        return kind is float and 1e-4 <= abs(value) < 1e15 and not value.is_integer()
    return kind is int and -_MAX_INTEGER <= value <= _MAX_INTEGER
