"""Rows that fail, kept in files until the first of each rule are shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.reading import Batch
from actors.data.texts import as_text

_LONGEST_TEXT = 1000
_NUMBER = "\0row"
"""The column of row numbers; no name of a column that people write."""


@dataclass(slots=True)
class RowWriter:
    """Keeps at most the first `most` failing rows of each rule of one partition."""

    path: Path
    columns: Sequence[str]
    most: int
    files: dict[str, tuple[Path, pa.ipc.RecordBatchFileWriter]] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)

    def add(self, rule: str, batch: Batch, failing: pa.Array, before: int) -> None:
        """The rows of a batch that fail; `before` rows of the partition came before it."""
        room = self.most - self.kept.get(rule, 0)
        places = np.flatnonzero(failing.to_numpy(zero_copy_only=False))[:room]
        if len(places):
            self.kept[rule] = self.kept.get(rule, 0) + len(places)
            self._writer(rule).write_table(_texts(batch, self.columns, places, before))

    def close(self) -> dict[str, Path]:
        """The file of each rule that rows fail."""
        for _, writer in self.files.values():
            writer.close()
        return {rule: path for rule, (path, _) in self.files.items()}

    def _writer(self, rule: str) -> pa.ipc.RecordBatchFileWriter:
        if rule not in self.files:
            path = self.path.with_name(f"{self.path.name}-{len(self.files)}")
            self.files[rule] = (path, pa.ipc.new_file(str(path), _schema(self.columns)))
        return self.files[rule][1]


def first_rows(
    files: Sequence[tuple[Path, int]], columns: Sequence[str], most: int
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Numbers from 1, and texts by column; each file comes with how many rows precede it."""
    for path, before in files:
        with pa.memory_map(str(path)) as stored:
            reader = pa.ipc.open_file(stored)
            for index in range(reader.num_record_batches):
                rows = reader.get_batch(index)
                for row in rows.slice(0, most).to_pylist():
                    yield before + row[_NUMBER] + 1, {name: row[name] for name in columns}
                most -= min(most, rows.num_rows)
                if not most:
                    return


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([(_NUMBER, pa.int64()), *((name, pa.string()) for name in columns)])


def _texts(
    batch: Batch, columns: Sequence[str], places: npt.NDArray[np.intp], before: int
) -> pa.Table:
    arrays = [pa.array(places + before)]
    for name in columns:
        text = as_text(batch.column(name).take(pa.array(places)))
        raw = batch.unreadable.get(name)
        if raw is not None:
            text = pc.coalesce(text, raw.take(pa.array(places)))
        cut = pc.utf8_slice_codeunits(text.cast(pa.string()), 0, _LONGEST_TEXT)
        arrays.append(cut)
    return pa.Table.from_arrays(arrays, schema=_schema(columns))
