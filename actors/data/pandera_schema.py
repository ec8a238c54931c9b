"""A user's own Pandera schema judged on batches, with the same failing rows as on a whole frame.

What Pandera knows by name runs on Arrow's vectors; the user's own functions run in Pandera, batch
by batch; uniqueness is judged across all rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from actors.data.checks import Bounded, Check, OneOf, Present, Readable
from actors.data.columns import is_text, schema_findings, type_name, value_of, values_of
from actors.data.findings import Finding
from actors.data.pandera_check import PanderaCheck
from actors.data.rules import Column, TypeName
from harness.errors import InvalidInput

_NAMES: Mapping[str, TypeName] = {
    "int": "integer",
    "uint": "integer",
    "float": "number",
    "decimal": "number",
    "str": "string",
    "bool": "boolean",
    "datetime": "timestamp",
    "date": "date",
}
_RELATIONS = {
    "equal_to": ("==", "value"),
    "not_equal_to": ("!=", "value"),
    "greater_than": (">", "min_value"),
    "greater_than_or_equal_to": (">=", "min_value"),
    "less_than": ("<", "max_value"),
    "less_than_or_equal_to": ("<=", "max_value"),
}


@dataclass(slots=True)
class PanderaSchema:
    """A `DataFrameSchema`, or what `DataFrameModel.to_schema()` gives."""

    schema: Any  # Any: pandera has no types for its schemas
    used: set[str] = field(default_factory=set)

    def declared(self) -> Mapping[str, TypeName]:
        """The types as which texts are read."""
        types = {name: _declared(column) for name, column in self.schema.columns.items()}
        return {name: kind for name, kind in types.items() if kind is not None}

    def coerced(self, types: Mapping[str, pa.DataType]) -> Mapping[str, TypeName]:
        """The columns that the schema wants converted, and to what."""
        return {
            name: kind
            for name, kind in self.declared().items()
            if name in types
            and (self.schema.coerce or self.schema.columns[name].coerce)
            and type_name(types[name]) != kind
        }

    def findings(self, source: str, types: Mapping[str, pa.DataType]) -> Iterator[Finding]:
        """What is wrong with the columns before a row is read.

        Raises:
            InvalidInput: the schema asks for what cannot be done in batches.
        """
        self._refuse()
        required = {
            name: Column(nullable=True)
            for name, column in self.schema.columns.items()
            if column.required and not column.regex
        }
        yield from schema_findings(source, required, types, closed=False)
        for name, column in self._columns(types):
            wrong = None if self._is_coerced(column) else _wrong_type(column, types[name])
            if wrong:
                fault = f"column {name} of {source} has another type"
                seen = str(types[name])
                yield Finding(f"schema.{name}.dtype", source, fault, wrong, seen, met=False)
        known = {name for name, _ in self._columns(types)}
        more = [name for name in types if name not in known]
        if self.schema.strict is True and more:
            fault = f"{source} has columns that are not declared"
            yield Finding("schema.strict", source, fault, "none", ", ".join(more[:10]), met=False)
        if self.schema.ordered and not more and [*dict(self._columns(types))] != [*types]:
            fault = f"the columns of {source} are in another order"
            order = ", ".join(dict(self._columns(types)))
            yield Finding("schema.ordered", source, fault, order, ", ".join(types), met=False)

    def checks(self, types: Mapping[str, pa.DataType]) -> Iterator[Check]:
        """The checks of each row."""
        for name, column in self._columns(types):
            if not column.nullable:
                yield Present(self._rule(name, "nullable"), name)
            if _wrong_type(column, types[name]) and not self._is_coerced(column):
                continue
            kind = type_name(types[name]) or str(types[name])
            yield Readable(self._rule(name, "dtype"), name, kind)
            for check in self._run(column.checks):
                yield self._native(name, types[name], check) or self._own(name, (name,), check)
        for check in self._run(self.schema.checks):
            yield self._own("", tuple(types), check)

    def unique(self, types: Mapping[str, pa.DataType]) -> Iterator[tuple[str, Sequence[str]]]:
        """Rules and columns of keys that occur once; nulls are equal, as in pandas."""
        for name, column in self._columns(types):
            if column.unique:
                yield self._rule(name, "unique"), (name,)
        if self.schema.unique:
            yield self._rule("", "unique"), tuple(self.schema.unique)

    def _columns(self, types: Mapping[str, pa.DataType]) -> Iterator[tuple[str, Any]]:
        for name, column in self.schema.columns.items():
            if column.regex:
                pattern = np.array(list(types), dtype=object)
                matching = column.get_regex_columns(_empty(pattern))
                yield from ((str(match), column) for match in matching)
            elif name in types:
                yield name, column

    def _is_coerced(self, column: Any) -> bool:  # Any: pandera's column
        return bool(self.schema.coerce or column.coerce)

    def _refuse(self) -> None:
        schema, columns = self.schema, self.schema.columns.values()
        asked = {
            "parsers": bool(schema.parsers) or any(column.parsers for column in columns),
            "drop_invalid_rows": schema.drop_invalid_rows,
            "add_missing_columns": schema.add_missing_columns,
            "an index": schema.index is not None,
            "defaults": any(column.default is not None for column in columns),
        }
        for what, is_asked in asked.items():
            if is_asked:
                raise InvalidInput(
                    f"the Pandera schema has {what}, and rows are judged where they are, in "
                    "batches and without an index: leave it out of the schema"
                )

    def _run(self, checks: Sequence[Any]) -> Iterator[Any]:  # Any: pandera's checks
        for check in checks:
            if getattr(check, "groupby", None) is not None:
                raise InvalidInput(
                    f"check {check.name} groups rows, and a group may lie in several batches: "
                    "write a `total` by group, or run it on a frame of the groups"
                )
            if not check.raise_warning:
                yield check

    def _native(self, name: str, kind: pa.DataType, check: Any) -> Check | None:
        translate = _translation(check)
        if translate is None:
            return None
        rule = self._rule(name, check.name)
        try:
            found = translate(rule, name, kind, check.statistics)
        except InvalidInput:  # Pandera itself knows how to compare what Arrow does not
            found = None
        if found is None:
            self.used.discard(rule)
        return found

    def _own(self, name: str, columns: tuple[str, ...], check: Any) -> Check:
        return PanderaCheck(self._rule(name, check.name or "check"), columns, check, name)

    def _rule(self, name: str, what: str) -> str:
        rule = plain = f"schema.{name}.{what}" if name else f"schema.{what}"
        number = 1
        while rule in self.used:
            number += 1
            rule = f"{plain}.{number}"
        self.used.add(rule)
        return rule


_Translation = Callable[[str, str, pa.DataType, Mapping[str, Any]], Check | None]


def _translation(check: Any) -> _Translation | None:  # Any: pandera's check
    """How a check that Pandera knows by name is said in ours; none for all others.

    Patterns stay with pandas, which runs them on vectors where RE2 means what Python's `re` does.
    """
    known = type(check).CHECK_FUNCTION_REGISTRY.get(check.name)
    # A schema copies its checks: the function is Pandera's own where its type and name are.
    own = type(check._check_fn) is type(known) and str(check._check_fn) == check.name
    if known is None or not own or not check.ignore_na or check.element_wise:
        return None
    if check.name in _RELATIONS:
        return partial(_relation, *_RELATIONS[check.name])
    return {
        "in_range": _in_range,
        "isin": _is_in,
        "notin": _not_in,
        "str_length": _length,
    }.get(check.name)


def _relation(
    sign: str,
    parameter: str,
    rule: str,
    name: str,
    kind: pa.DataType,
    said: Mapping[str, Any],
) -> Check:
    return Bounded(rule, name, ((sign, value_of(_plain(said[parameter]), kind, rule)),))


def _in_range(rule: str, name: str, kind: pa.DataType, said: Mapping[str, Any]) -> Check:
    low = value_of(_plain(said["min_value"]), kind, rule)
    high = value_of(_plain(said["max_value"]), kind, rule)
    signs = (">=" if said["include_min"] else ">", "<=" if said["include_max"] else "<")
    return Bounded(rule, name, ((signs[0], low), (signs[1], high)))


def _is_in(rule: str, name: str, kind: pa.DataType, said: Mapping[str, Any]) -> Check:
    values = tuple(_plain(value) for value in said["allowed_values"])
    return OneOf(rule, name, values_of(values, kind, rule))


def _not_in(rule: str, name: str, kind: pa.DataType, said: Mapping[str, Any]) -> Check:
    values = tuple(_plain(value) for value in said["forbidden_values"])
    return OneOf(rule, name, values_of(values, kind, rule), negated=True)


def _length(rule: str, name: str, kind: pa.DataType, said: Mapping[str, Any]) -> Check | None:
    if not is_text(kind):
        return None
    limits = (("==", "exact_value"), (">=", "min_value"), ("<=", "max_value"))
    given = [(sign, said.get(parameter)) for sign, parameter in limits]
    if said.get("exact_value") is not None:
        given = given[:1]
    bounds = tuple((sign, pa.scalar(value)) for sign, value in given if value is not None)
    return Bounded(rule, name, bounds, of_length=True)


def _plain(value: Any) -> Any:  # Any: whatever a user wrote into a check
    return value.item() if isinstance(value, np.generic) else value


def _declared(column: Any) -> TypeName | None:  # Any: pandera's column
    kind = str(column.dtype).lower() if column.dtype is not None else ""
    return next((name for word, name in _NAMES.items() if kind.startswith(word)), None)


def _wrong_type(column: Any, kind: pa.DataType) -> str | None:  # Any: pandera's column
    """The declared type, where the column's is another."""
    if column.dtype is None or str(column.dtype) == "object":
        return None
    declared = _declared(column)
    if declared is None:
        raise InvalidInput(f"dtype {column.dtype} of {column.name} is not known to data validation")
    if type_name(kind) != declared:
        return str(column.dtype)
    try:
        exact = pa.from_numpy_dtype(np.dtype(str(column.dtype)))
    except (TypeError, pa.ArrowException):
        return None
    return str(column.dtype) if declared in ("integer", "number") and exact != kind else None


def _empty(names: Any) -> Any:  # Any: pandas has no types
    import pandas as pd

    return pd.DataFrame(columns=names)
