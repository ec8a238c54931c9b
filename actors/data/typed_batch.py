"""Rows read as texts, or nearly, turned into a batch of values."""

from collections.abc import Mapping

import pyarrow as pa

from actors.data import texts
from actors.data.reading import Batch, plain
from actors.data.rules import TypeName


def typed_batch(table: pa.Table, types: Mapping[str, TypeName]) -> Batch:
    """The batch; columns of texts are read as their types."""
    unreadable: dict[str, pa.Array] = {}
    arrays = []
    for name in table.column_names:
        array = table.column(name).combine_chunks()
        if pa.types.is_string(array.type):
            array, bad = texts.values(array, types[name])
            if bad is not None:
                unreadable[name] = bad
        arrays.append(array)
    return Batch(plain(pa.table(arrays, names=table.column_names)), unreadable)
