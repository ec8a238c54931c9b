"""Declared columns turned into checks of the types that a source really has."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from actors.data.checks import Bounded, Check, Matching, OneOf, Present, Readable
from actors.data.findings import Finding
from actors.data.rules import Column, Range, Scalar, TypeName
from harness.errors import InvalidInput

_HOLDS = {
    "string": lambda kind: is_text(kind),
    "integer": pa.types.is_integer,
    "number": lambda kind: (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    ),
    "boolean": pa.types.is_boolean,
    "date": pa.types.is_date,
    "timestamp": pa.types.is_timestamp,
}


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def type_name(kind: pa.DataType) -> TypeName | None:
    """The narrowest declared type that a column has."""
    names: tuple[TypeName, ...] = ("string", "integer", "number", "boolean", "date", "timestamp")
    return next((name for name in names if _HOLDS[name](kind)), None)


def schema_findings(
    source: str, declared: Mapping[str, Column], types: Mapping[str, pa.DataType], *, closed: bool
) -> Iterator[Finding]:
    """What is wrong with the columns before a row is read."""
    for name, column in declared.items():
        if name not in types:
            yield missing_column(f"columns.{name}", source, name, types)
        elif column.type and not _HOLDS[column.type](types[name]):
            yield _broken(
                f"columns.{name}.type",
                source,
                f"column {name} of {source} has another type",
                column.type,
                str(types[name]),
            )
    more = sorted(set(types) - set(declared))
    if closed and more:
        fault = f"{source} has columns that are not declared"
        yield _broken("closed", source, fault, "none", _listed(more))


def missing_column(rule: str, source: str, name: str, types: Mapping[str, pa.DataType]) -> Finding:
    """A rule is about a column that the source lacks."""
    return _broken(rule, source, f"{source} has no column {name}", name, _listed(list(types)))


def column_checks(name: str, column: Column, kind: pa.DataType) -> Iterator[Check]:
    """The checks of one column that is there; none but `nullable` where its type is wrong.

    Raises:
        InvalidInput: a rule makes no sense for values of this type.
    """
    place = f"columns.{name}"
    if not column.nullable:
        yield Present(f"{place}.nullable", name)
    if column.type and not _HOLDS[column.type](kind):
        return
    yield Readable(f"{place}.type", name, column.type or type_name(kind) or str(kind))
    if column.one_of is not None:
        yield OneOf(f"{place}.in", name, values_of(column.one_of, kind, f"{place}.in"))
    if column.range is not None:
        yield Bounded(f"{place}.range", name, tuple(_bounds(column.range, kind, f"{place}.range")))
    yield from _text_checks(place, name, column, kind)


def value_of(value: Scalar, kind: pa.DataType, rule: str) -> pa.Scalar:
    """A declared value as one that a column of this type can be compared with.

    Raises:
        InvalidInput: it cannot.
    """
    try:
        return _value_of(value, kind)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        raise InvalidInput(
            f"{rule}: {value!r} cannot be compared with values of type {kind}; write one of that "
            "type, or declare the column's `type`"
        ) from None


def values_of(values: tuple[Scalar, ...], kind: pa.DataType, rule: str) -> pa.Array:
    """Declared values as a set of the column's type.

    Raises:
        InvalidInput: one cannot be of that type.
    """
    converted = [value_of(value, kind, rule).as_py() for value in values]
    if pa.types.is_decimal(kind):
        converted = [Decimal(str(value)) for value in converted]
    try:
        return pa.array(converted, kind)
    except (pa.ArrowException, OverflowError, TypeError):
        raise InvalidInput(f"{rule}: not every value can be of type {kind}") from None


def _text_checks(place: str, name: str, column: Column, kind: pa.DataType) -> Iterator[Check]:
    asked = [what for what in ("matches", "length") if getattr(column, what) is not None]
    if asked and not is_text(kind):
        raise InvalidInput(f"{place}.{asked[0]} is for texts, and {name} is {kind}")
    if column.matches is not None:
        rule = f"{place}.matches"
        yield Matching(rule, name, _regex(column.matches, rule), column.matches)
    if column.length is not None:
        limits = ((">=", column.length.min), ("<=", column.length.max))
        bounds = tuple((sign, pa.scalar(value)) for sign, value in limits if value is not None)
        if bounds:
            yield Bounded(f"{place}.length", name, bounds, of_length=True)


def _regex(pattern: str, rule: str) -> str:
    """The pattern for RE2, for a whole text.

    Raises:
        InvalidInput: RE2 does not know it.
    """
    anchored = rf"\A(?:{pattern})\z"
    try:
        pc.match_substring_regex(pa.array([""]), anchored)
    except pa.ArrowException:
        raise InvalidInput(
            f"{rule}: {pattern!r} is no regular expression of RE2, which has no look-around and no "
            "back-references"
        ) from None
    return anchored


def _bounds(limits: Range, kind: pa.DataType, rule: str) -> Iterator[tuple[str, pa.Scalar]]:
    given = ((">=", limits.min), (">", limits.above), ("<=", limits.max), ("<", limits.below))
    if all(value is None for _, value in given):
        raise InvalidInput(f"{rule} has no bound: give min, max, above or below")
    for sign, value in given:
        if value is not None:
            yield sign, value_of(value, kind, rule)


def _value_of(value: Scalar, kind: pa.DataType) -> pa.Scalar:
    if pa.types.is_timestamp(kind):
        return _moment(value, kind)
    if pa.types.is_date(kind):
        day = date.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(day, datetime) or not isinstance(day, date):
            raise TypeError
        return pa.scalar(day, kind)
    if _HOLDS["number"](kind) and not isinstance(value, bool):
        return pa.scalar(_number(value))
    if pa.types.is_boolean(kind) == isinstance(value, bool) and (
        isinstance(value, bool) or (isinstance(value, str) and is_text(kind))
    ):
        return pa.scalar(value, kind)
    raise TypeError


def _number(value: Scalar) -> int | float:
    if isinstance(value, int | float):
        return value
    raise TypeError


def _moment(value: Scalar, kind: pa.DataType) -> pa.Scalar:
    """With or without a zone, as the column is; no zone means UTC on both sides."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, date):
        raise TypeError
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return pa.scalar(moment if kind.tz else moment.replace(tzinfo=None), kind)


def _broken(rule: str, source: str, fault: str, expected: str, observed: str) -> Finding:
    return Finding(rule, source, fault, expected, observed, met=False)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{', '.join(names[:10])}{more}" if names else "no column"
