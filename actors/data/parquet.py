"""Parquet files as partitions of row groups, read in batches of bounded size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from actors.data.reading import Batch, OpenSource, plain, plain_type
from harness.errors import InvalidInput

_BUFFER = 1 << 20
_DECODED = 4
"""Bytes in work for each byte of a batch: decoded pages, the batch, masks and copies."""
_MOST_ROWS = 1 << 19


@dataclass(frozen=True, slots=True)
class RowGroups:
    """Consecutive row groups of one file."""

    path: Path
    name: str
    """As messages call the file."""
    groups: tuple[int, ...]
    rows: int
    """What the file says that they hold."""
    batch_rows: int
    batch_bytes: int
    """What a batch may take, with all work on it."""
    constants: Mapping[str, pa.Scalar]
    """Columns that the folder's name gives."""

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Rows of the groups; a file that holds other than it says is an error."""
        seen = 0
        try:
            for batch in self._read([name for name in columns if name not in self.constants]):
                seen += batch.num_rows
                yield Batch(self._table(batch, columns))
        except (pa.ArrowException, OSError) as problem:
            raise InvalidInput(
                f"{self._place} cannot be read as Parquet: {type(problem).__name__} after "
                f"{seen} rows"
            ) from None
        if seen != self.rows:
            raise InvalidInput(
                f"{self._place} should have {self.rows} rows, as the file says itself, and have "
                f"{seen}: write the file again"
            )

    @property
    def _place(self) -> str:
        return f"{self.name}, row groups {self.groups[0]} to {self.groups[-1]},"

    def _read(self, stored: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self.path, buffer_size=_BUFFER, pre_buffer=False) as file:
            wanted = list(stored) or [file.schema_arrow.names[0]]
            texts = [name for name in wanted if _is_bytes(file.schema_arrow.field(name).type)]
            rows = min(self.batch_rows, self._rows_of_longest(texts))
            yield from file.iter_batches(rows, list(self.groups), wanted, use_threads=False)

    def _rows_of_longest(self, texts: Sequence[str]) -> int:
        """How many rows fit into a batch if each has the longest text of every dictionary.

        A file's size tells nothing here: a long text that many rows share is stored once.
        """
        if not texts:
            return self.batch_rows
        longest = 0
        with pq.ParquetFile(self.path, read_dictionary=list(texts), pre_buffer=False) as file:
            for group in self.groups:
                first = next(file.iter_batches(1, [group], texts, use_threads=False), None)
                columns = first.columns if first is not None else []
                longest = max(longest, sum(_longest(column) for column in columns))
        return max(1, self.batch_bytes // (_DECODED * max(1, longest)))

    def _table(self, batch: pa.RecordBatch, columns: Sequence[str]) -> pa.Table:
        arrays = [
            pa.repeat(self.constants[name], batch.num_rows)
            if name in self.constants
            else batch.column(name)
            for name in columns
        ]
        return plain(pa.table(arrays, names=list(columns)))


def _is_bytes(stored: pa.DataType) -> bool:
    kind = plain_type(stored)
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _longest(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return 0
    return int(pc.max(pc.binary_length(column.dictionary)).as_py() or 0)


def open_parquet(
    name: str, folder: Path, files: Sequence[Path], batch_bytes: int, tasks: int
) -> OpenSource:
    """The files as one source; `batch_bytes` is what one batch may take, with all work on it."""
    constants = _partition_columns(folder, files)
    types: dict[str, pa.DataType] = {}
    partitions: list[RowGroups] = []
    rows = 0
    for path in files:
        said = str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name
        with _opened(path, said) as file:
            _agree(types, file.schema_arrow, said)
            rows += file.metadata.num_rows
            size = _batch_rows(file.metadata, batch_bytes)
            partitions += [
                RowGroups(path, said, groups, count, size, batch_bytes, constants.get(path, {}))
                for groups, count in _split(
                    file.metadata, max(size, file.metadata.num_rows // tasks)
                )
            ]
    for values in constants.values():
        types.update({column: value.type for column, value in values.items()})
    return OpenSource(name, types, partitions, rows)


def _opened(path: Path, said: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, thrift_string_size_limit=1 << 26)
    except (pa.ArrowException, OSError) as problem:
        raise InvalidInput(f"{said} is no Parquet file: {type(problem).__name__}") from None


def _agree(types: dict[str, pa.DataType], schema: pa.Schema, said: str) -> None:
    found = {field.name: plain_type(field.type) for field in schema}
    if types and found != types:
        odd = sorted(name for name in {*types, *found} if types.get(name) != found.get(name))
        raise InvalidInput(
            f"{said} has other columns than the files before it: {', '.join(odd[:5])}; "
            "validate them as separate sources, or write them alike"
        )
    types.update(found)


def _batch_rows(metadata: pq.FileMetaData, batch_bytes: int) -> int:
    groups = range(metadata.num_row_groups)
    size = sum(int(metadata.row_group(index).total_byte_size) for index in groups)
    width = max(1, size // max(1, int(metadata.num_rows)))
    return max(1024, min(_MOST_ROWS, batch_bytes // (width * _DECODED)))


def _split(metadata: pq.FileMetaData, enough: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """Consecutive row groups with at least so many rows, and how many they have."""
    groups: list[int] = []
    rows = 0
    for index in range(metadata.num_row_groups):
        groups.append(index)
        rows += metadata.row_group(index).num_rows
        if rows >= enough or index == metadata.num_row_groups - 1:
            yield tuple(groups), rows
            groups, rows = [], 0


def _partition_columns(
    folder: Path, files: Sequence[Path]
) -> Mapping[Path, Mapping[str, pa.Scalar]]:
    """What `name=value` folders say of each file, with one type for all files."""
    if not any("=" in part for path in files for part in path.relative_to(folder).parts[:-1]):
        return {}
    hive = ds.HivePartitioning.discover(infer_dictionary=False)
    dataset = ds.dataset(
        [str(path) for path in files],
        format="parquet",
        partitioning=hive,
        partition_base_dir=str(folder),
    )
    found = {}
    for fragment in dataset.get_fragments():
        keys = ds.get_partition_keys(fragment.partition_expression)
        found[Path(fragment.path)] = {
            name: pa.scalar(value, dataset.schema.field(name).type) for name, value in keys.items()
        }
    return found
