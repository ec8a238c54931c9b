"""Rows of a database, spooled into files that several tasks can read.

One query gives one consistent answer; spooling reads it once, with bounded memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from actors.data.reading import Batch, OpenSource, plain, plain_type
from harness.errors import InvalidInput
from harness.ports.query import Query, RowChunk

_CHUNK_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class SpooledRows:
    """One chunk of an answer."""

    path: Path
    types: Mapping[str, pa.DataType]
    """Of the whole answer: a chunk of nulls does not know its own."""

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """All its rows at once."""
        with pa.OSFile(str(self.path)) as file:
            table = pa.ipc.open_file(file).read_all().select(list(columns))
        yield Batch(plain(table.cast(pa.schema([(name, self.types[name]) for name in columns]))))


def open_sql(name: str, query: Query, statement: str, scratch: Path) -> OpenSource:
    """The answer of a statement as a source.

    Raises:
        InvalidInput: a column holds values of several types.
    """
    folder = scratch / f"sql-{len(list(scratch.iterdir()))}"
    folder.mkdir()
    paths, schemas, rows = [], [], 0
    for number, chunk in enumerate(query.rows(statement, _CHUNK_ROWS)):
        table = _table(name, chunk)
        paths.append(folder / f"{number}.arrow")
        schemas.append(table.schema)
        rows += table.num_rows
        with pa.ipc.new_file(str(paths[-1]), table.schema) as writer:
            writer.write_table(table)
    types = _types(name, schemas)
    return OpenSource(name, types, [SpooledRows(path, types) for path in paths], rows)


def _table(name: str, chunk: RowChunk) -> pa.Table:
    columns = list(zip(*chunk.rows, strict=True)) or [() for _ in chunk.columns]
    arrays = [
        _array(f"{column} of {name}", values)
        for column, values in zip(chunk.columns, columns, strict=True)
    ]
    return pa.table(arrays, names=list(chunk.columns))


def _array(what: str, values: Sequence[object]) -> pa.Array:
    if any(isinstance(value, UUID | time | dict | list) for value in values):
        values = [None if value is None else str(value) for value in values]
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        raise InvalidInput(
            f"{what} holds values of several types: cast it to one in the query"
        ) from None


def _types(name: str, schemas: Sequence[pa.Schema]) -> Mapping[str, pa.DataType]:
    if not schemas:
        return {}
    try:
        schema = pa.unify_schemas(list(schemas), promote_options="permissive")
    except pa.ArrowException:
        raise InvalidInput(
            f"a column of {name} changes its type between rows: cast it to one in the query"
        ) from None
    return {field.name: plain_type(field.type) for field in schema}
