"""What every reader of rows has in common: batches, partitions, and sources opened."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive rows of a partition."""

    table: pa.Table
    unreadable: Mapping[str, pa.Array] = field(default_factory=dict)
    """By column: the texts that could not be read as its type, null where it could."""

    def column(self, name: str) -> pa.Array:
        """One column as a single array."""
        column = self.table.column(name)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


class Partition(Protocol):
    """A part of a source that one task reads; travels to other processes."""

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Its rows in order, always cut alike, with the columns asked for."""
        ...


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source whose columns are known, ready to be read."""

    name: str
    types: Mapping[str, pa.DataType]
    partitions: Sequence[Partition]
    rows: int
    """About how many; only the reading tells."""


def plain(table: pa.Table) -> pa.Table:
    """The table with one array a column, no dictionaries, and null for what is not a number."""
    arrays = [_plain(column) for column in table.columns]
    return pa.Table.from_arrays(arrays, names=table.column_names) if arrays else table


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type that `plain` makes of a column."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_float16(kind):
        return pa.float32()
    if kind in (pa.string_view(), pa.binary_view()):
        return pa.large_string() if kind == pa.string_view() else pa.large_binary()
    return kind


def _plain(column: pa.ChunkedArray) -> pa.Array:
    wanted = plain_type(column.type)
    if column.type != wanted:
        column = column.cast(wanted)
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if pa.types.is_floating(array.type) and pc.any(pc.is_nan(array)).as_py():
        return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    return array
