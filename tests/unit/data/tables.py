"""The same rows as a source of every kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from actors.data.findings import Finding, Report
from actors.data.rules import RuleSet
from actors.data.validation import Validator
from tests.fakes.clock import FakeClock

KINDS = ("parquet", "csv", "jsonl", "frame")


def write(folder: Path, kind: str, name: str, table: pa.Table, rows: int = 2) -> dict[str, str]:
    """Writes the rows, where the kind is one of files, and gives the source that names them."""
    path = folder / f"{name}.{kind}"
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=rows)
    elif kind == "csv":
        pacsv.write_csv(table, path)
    elif kind == "jsonl":
        lines = table.to_pandas().to_json(orient="records", lines=True, date_format="iso")
        path.write_text(lines if table.num_rows else "", encoding="utf-8")
    else:
        return {"frame": name}
    return {kind: path.name}


def validated(
    folder: Path,
    document: Mapping[str, Any],  # Any: a document
    frames: Mapping[str, object] | None = None,
    schema: object | None = None,
    **options: Any,  # Any: fields of the validator
) -> Report:
    """The report on a document of rules."""
    validator = Validator(folder, clock=FakeClock(), **options)
    return validator.validate(RuleSet.model_validate(document), schema=schema, frames=frames)


def broken(report: Report) -> dict[str, list[str]]:
    """The keys of failing rows by rule."""
    return {found.rule: [row.key for row in found.rows] for found in report.broken}


def finding(report: Report, rule: str) -> Finding:
    """The finding of one rule."""
    return next(found for found in report.findings if found.rule == rule)
