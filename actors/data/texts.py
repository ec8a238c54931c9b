"""Texts read as values of a type; those that cannot be are told, never raised."""

import pyarrow as pa
import pyarrow.compute as pc

from actors.data.rules import TypeName

ARROW = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}
_GUESSES: tuple[TypeName, ...] = ("integer", "number", "boolean", "date", "timestamp")


def values(texts: pa.Array, kind: TypeName) -> tuple[pa.Array, pa.Array | None]:
    """The values, null where a text is none, and then those texts, null elsewhere."""
    if kind == "string":
        return texts, None
    read = _all_at_once(texts, kind)
    if read is not None:
        return read, None
    distinct = texts.dictionary_encode()
    read = _piecewise(distinct.dictionary, kind).take(distinct.indices)
    bad = pc.and_(pc.is_valid(texts), pc.is_null(read))
    return read, pc.if_else(bad, texts, pa.scalar(None, texts.type))


def guess(texts: pa.Array) -> TypeName:
    """The narrowest type that all of some texts can be read as."""
    if texts.null_count == len(texts):
        return "string"
    for kind in _GUESSES:
        if _all_at_once(texts, kind) is not None:
            return kind
    return "string"


def _all_at_once(texts: pa.Array, kind: TypeName) -> pa.Array | None:
    try:
        if kind == "timestamp":
            return _timestamps(texts)
        if kind == "boolean" and not _are_booleans(texts):
            return None
        return pc.utf8_trim_whitespace(texts).cast(ARROW[kind])
    except pa.ArrowException:
        return None


def _are_booleans(texts: pa.Array) -> bool:
    # Arrow also takes 0 and 1, which are numbers.
    allowed = pa.array(["true", "false", "True", "False", "TRUE", "FALSE"])
    return bool(pc.all(pc.is_in(texts.drop_null(), value_set=allowed)).as_py())


def _timestamps(texts: pa.Array) -> pa.Array:
    try:
        return texts.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    except pa.ArrowException:
        return texts.cast(pa.timestamp("us", "UTC"))


def _piecewise(texts: pa.Array, kind: TypeName) -> pa.Array:
    """The values, null where a text is none; halves find the few that are not."""
    read = _all_at_once(texts, kind)
    if read is not None:
        return read
    if len(texts) == 1:
        return pa.nulls(1, ARROW[kind])
    middle = len(texts) // 2
    halves = (_piecewise(half, kind) for half in (texts[:middle], texts[middle:]))
    return pa.concat_arrays(list(halves))


def as_text(column: pa.Array) -> pa.Array:
    """Every value as people write it."""
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return pa.array([None if v is None else v.hex() for v in column.to_pylist()], pa.string())
    if pa.types.is_timestamp(column.type):
        return _moments(column)
    if pa.types.is_floating(column.type):
        return pa.array([_number(v) for v in column.to_pylist()], pa.string())
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.15g}"


def _moments(column: pa.Array) -> pa.Array:
    """In UTC, without the zeros at the end that say nothing."""
    unit = column.type.unit
    texts = column.cast(pa.timestamp(unit, column.type.tz and "UTC")).cast(pa.timestamp(unit))
    for zeros, rest in ((r"(\.\d*?)0+$", r"\1"), (r"\.$", ""), (r" 00:00:00$", "")):
        texts = pc.replace_substring_regex(texts.cast(pa.string()), zeros, rest)
    return texts
