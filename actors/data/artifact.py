"""The failing rows of a validation as one small file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from actors.data.findings import FailingRow, Finding
from actors.data.masking import Mask
from actors.data.seen import Failures


def write_artifact(
    path: Path, broken: Sequence[tuple[Finding, Failures]], most: int, mask: Mask
) -> int:
    """Writes the first failing rows of each rule, at most `most` in all; gives how many.

    The path's ending chooses CSV or Parquet. Values are texts, and masked where declared.
    """
    names = list(dict.fromkeys(name for _, kept in broken for name in kept.stored))
    columns = ["rule", "source", "key", "row", *(_free(name) for name in names)]
    schema = pa.schema([(name, pa.int64() if name == "row" else pa.string()) for name in columns])
    left = most
    with _writer(path, schema) as writer:
        for finding, kept in broken:
            rows = list(kept.rows(left, mask)) if left else []
            left -= len(rows)
            writer.write_table(_table(finding, rows, names, schema))
    return most - left


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter | pacsv.CSVWriter:
    if path.suffix == ".csv":
        return pacsv.CSVWriter(str(path), schema)
    return pq.ParquetWriter(str(path), schema)


def _table(
    finding: Finding, rows: Sequence[FailingRow], names: Sequence[str], schema: pa.Schema
) -> pa.Table:
    records = list(_records(finding, rows, names))
    return pa.table(
        list(zip(*records, strict=True)) if records else schema.empty_table().columns, schema=schema
    )


def _records(
    finding: Finding, rows: Sequence[FailingRow], names: Sequence[str]
) -> Iterator[tuple[str | int | None, ...]]:
    for row in rows:
        yield (
            finding.rule,
            finding.source,
            row.key,
            row.number,
            *(row.values.get(name) for name in names),
        )


def _free(name: str) -> str:
    return f"{name}_" if name in ("rule", "source", "key", "row") else name
