"""Aggregates over all rows, whole or by group, merged from batches without loss for integers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from actors.data.reading import Batch
from harness.errors import InvalidInput, TooLarge

_MOST_GROUPS = 100_000

Group: TypeAlias = tuple[Any, ...]  # Any: a value of any column
"""The values that a group's rows share; empty for all rows."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which column is aggregated, by which columns."""

    column: str | None
    """None counts rows."""
    by: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All that it reads."""
        return self.by if self.column is None else (*self.by, self.column)


@dataclass(frozen=True, slots=True)
class Sums:
    """What is known of one group, or of some of its rows."""

    count: int = 0
    total: Any = 0  # Any: int, float or Decimal
    least: Any = None  # Any: a value of the column
    most: Any = None  # Any: a value of the column

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.count + other.count,
            self.total + other.total,
            _least(self.least, other.least),
            _most(self.most, other.most),
        )

    def value(self, aggregate: str) -> Any:  # Any: a value of the column
        """One of the aggregates; None where no value was seen."""
        if aggregate == "mean":
            return self.total / self.count if self.count else None
        known = {"sum": self.total, "count": self.count, "min": self.least, "max": self.most}
        return known[aggregate]


def merge(into: dict[Group, Sums], more: Mapping[Group, Sums]) -> None:
    """Adds the groups of other rows.

    Raises:
        TooLarge: there are more groups than a total may have.
    """
    for group, sums in more.items():
        into[group] = into[group] + sums if group in into else sums
    if len(into) > _MOST_GROUPS:
        raise TooLarge(f"a total has more than {_MOST_GROUPS} groups: group by fewer columns")


def sums_of(batch: Batch, grouping: Grouping) -> dict[Group, Sums]:
    """The groups of one batch."""
    by = {f"by{place}": batch.column(name) for place, name in enumerate(grouping.by)}
    columns = {**by, **_measures(batch, grouping)}
    asked = [(name, kind) for name, kind in _ASKED if name in columns]
    table = pa.table(columns).group_by(list(by), use_threads=False).aggregate(asked)
    if table.num_rows > _MOST_GROUPS:
        raise TooLarge(f"a total has more than {_MOST_GROUPS} groups: group by fewer columns")
    return dict(_groups(table.to_pylist(), list(by)))


_ASKED = (
    ("seen", "sum"),
    ("whole", "sum"),
    ("high", "sum"),
    ("low", "sum"),
    ("value", "min"),
    ("value", "max"),
)


def _measures(batch: Batch, grouping: Grouping) -> Mapping[str, pa.Array]:
    if grouping.column is None:
        return {"seen": pa.repeat(pa.scalar(1, pa.int64()), batch.table.num_rows)}
    column = batch.column(grouping.column)
    measures = {"seen": pc.is_valid(column).cast(pa.int64()), "value": column}
    if column.type == pa.uint64():
        measures["whole"] = column.cast(pa.decimal128(20))
    elif pa.types.is_integer(column.type):
        # Sums of halves cannot overflow: a batch has far fewer than 2**31 rows.
        wide = column.cast(pa.int64())
        measures["high"] = pc.shift_right(wide, 32)
        measures["low"] = pc.bit_wise_and(wide, 0xFFFFFFFF)
    elif pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        measures["whole"] = column
    return measures


def _groups(rows: list[dict[str, Any]], by: list[str]) -> Iterator[tuple[Group, Sums]]:
    for row in rows:
        total = row.get("whole_sum") or 0
        if row.get("high_sum") is not None:
            total = (row["high_sum"] << 32) + row["low_sum"]
        group = tuple(row[name] for name in by)
        yield group, Sums(row["seen_sum"] or 0, total, row.get("value_min"), row.get("value_max"))


def check_summable(kind: pa.DataType, what: str, aggregate: str) -> None:
    """Refuses sums and means of what has none.

    Raises:
        InvalidInput: the column holds no numbers.
    """
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if aggregate in ("sum", "mean") and not number:
        raise InvalidInput(f"{what} is {kind}, and only numbers have a {aggregate}")


def _least(one: Any, other: Any) -> Any:  # Any: a value of the column
    return one if other is None else other if one is None else min(one, other)


def _most(one: Any, other: Any) -> Any:  # Any: a value of the column
    return one if other is None else other if one is None else max(one, other)
