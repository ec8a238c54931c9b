"""Frames that the caller already has: Arrow tables, pandas and Dask frames, lists of objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actors.data.reading import Batch, OpenSource, plain, plain_type
from harness.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class FrameSlice:
    """Consecutive rows of a table."""

    table: pa.Table

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Them all."""
        yield Batch(plain(self.table.select(list(columns))))


@dataclass(frozen=True, slots=True)
class DaskPart:
    """One partition of a Dask frame, computed where it is read."""

    part: Any  # Any: dask has no types for what `to_delayed` gives

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Its rows."""
        frame = self.part.compute(scheduler="synchronous")
        yield Batch(plain(_table(frame[list(columns)])))


def open_frame(name: str, frame: object, batch_rows: int) -> OpenSource:
    """The frame as a source.

    Raises:
        InvalidInput: it is none of the kinds known here.
    """
    if type(frame).__module__.startswith("dask."):
        return _open_dask(name, frame)
    table = _table(frame)
    slices = [
        FrameSlice(table.slice(start, batch_rows)) for start in range(0, table.num_rows, batch_rows)
    ]
    return OpenSource(name, _types(table.schema), slices, table.num_rows)


def _open_dask(name: str, frame: Any) -> OpenSource:  # Any: dask's frames have no types
    schema = _table(frame._meta).schema
    parts = [DaskPart(part) for part in frame.to_delayed()]
    return OpenSource(name, _types(schema), parts, 1_000_000 * len(parts))


def _table(frame: object) -> pa.Table:
    if isinstance(frame, pa.Table):
        return frame
    try:
        if type(frame).__module__.startswith("pandas"):
            return pa.Table.from_pandas(frame, preserve_index=False)
        if isinstance(frame, list) and all(isinstance(row, dict) for row in frame):
            return pa.Table.from_pylist(frame)
    except (pa.ArrowException, TypeError, OverflowError) as problem:
        raise InvalidInput(
            f"a column of the frame holds values of several types ({type(problem).__name__}): "
            "give each column one type"
        ) from None
    raise InvalidInput(
        f"{type(frame).__name__} is no frame: hand over a pandas or Dask DataFrame, a "
        "pyarrow.Table, or a list of objects"
    )


def _types(schema: pa.Schema) -> dict[str, pa.DataType]:
    return {str(field.name): plain_type(field.type) for field in schema}
