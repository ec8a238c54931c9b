"""The API's JSON as domain values."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from harness.domain.ids import Digest, EventId, ProjectId, RunId, TenantId
from harness.domain.run import Run
from harness.domain.scope import Scope
from harness.errors import Unavailable
from harness.events.envelope import Event, Json

T = TypeVar("T")


def decode(kind: type[T], data: object, **given: object) -> T:
    """A frozen dataclass made of a JSON object; `given` are fields that the JSON does not hold.

    Fields that the class does not know are ignored, so that an older client reads a newer API.

    Raises:
        Unavailable: the data does not have the form that this version understands.
    """
    try:
        value: T = _object(kind, data, given)
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(
            f"The API sent no usable {kind.__name__} ({error!r}). Use a client of its version."
        ) from error
    return value


def decode_run(data: Mapping[str, Any]) -> Run:  # Any: JSON of the API
    """A run of the API's."""
    return decode(Run, data, scope=Scope(TenantId(data["tenant"]), ProjectId(data["project"])))


def decode_event(data: Mapping[str, Any]) -> Event:  # Any: JSON, checked by use
    """An event made of its CloudEvents form.

    Raises:
        Unavailable: the data does not have the form that this version understands.
    """
    try:
        return Event(
            id=EventId(data["id"]),
            type=data["type"],
            scope=Scope(TenantId(data["tenant"]), ProjectId(data["project"])),
            run_id=RunId(data["runid"]),
            seq=int(data["seq"]),
            time=datetime.fromisoformat(data["time"]),
            data=data["data"],
            prevhash=Digest(data["prevhash"]),
            hash=Digest(data["hash"]),
            traceparent=data.get("traceparent", ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(
            f"The API sent no usable event ({error!r}). Use a client of its version."
        ) from error


@cache
def _hints(kind: type) -> dict[str, Any]:  # Any: type forms have no type
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def _object(kind: type, data: object, given: Mapping[str, object] | None = None) -> Any:  # Any: T
    if not isinstance(data, Mapping):
        raise TypeError(f"{kind.__name__} is not an object")
    values = dict(given or {})
    for name, hint in _hints(kind).items():
        if name not in values and name in data:
            values[name] = _value(hint, data[name])
    return kind(**values)


def _value(hint: Any, data: Any) -> Any:  # Any: whatever the hint says
    if isinstance(hint, NewType):
        return hint(data)
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return None if data is None else _value(_first(hint), data)
    if origin is tuple:
        return _tuple(get_args(hint), data)
    if origin is Literal or origin is Mapping or hint is Json:
        return data
    if is_dataclass(hint) and isinstance(hint, type):
        return _object(hint, data)
    if hint is datetime:
        return datetime.fromisoformat(data)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(data)
    return data


def _first(hint: Any) -> Any:  # Any: type forms have no type
    return next(arg for arg in get_args(hint) if arg is not type(None))


def _tuple(args: tuple[Any, ...], data: list[Any]) -> tuple[Any, ...]:  # Any: as above
    if args[-1] is Ellipsis:
        return tuple(_value(args[0], item) for item in data)
    return tuple(_value(arg, item) for arg, item in zip(args, data, strict=True))
