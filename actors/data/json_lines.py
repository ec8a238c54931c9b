"""Files with one JSON object a line, as partitions of byte ranges."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pajson

from actors.data import texts
from actors.data.reading import Batch, OpenSource
from actors.data.rules import TypeName
from actors.data.text_files import LineCutter, TextRange, sample
from actors.data.typed_batch import typed_batch
from harness.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class JsonRange:
    """Consecutive lines of such a file."""

    lines: TextRange
    types: Mapping[str, TypeName]

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """All its rows at once; ranges are small."""
        lines = self.lines.read()
        table = self._typed(lines, columns)
        if table is not None:
            yield typed_batch(table, self.types)
        else:
            yield typed_batch(self._one_by_one(lines, columns), self.types)

    def _typed(self, lines: bytes, columns: Sequence[str]) -> pa.Table | None:
        """The rows read at once; nothing where a value is not of its column's type."""
        schema = pa.schema([(name, _stored(self.types[name])) for name in columns])
        try:
            table = pajson.read_json(
                pa.BufferReader(lines),
                pajson.ReadOptions(use_threads=False, block_size=len(lines) + 1),
                pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
            )
        except pa.ArrowException:
            return None
        return table.select(list(columns))

    def _one_by_one(self, lines: bytes, columns: Sequence[str]) -> pa.Table:
        found: dict[str, list[str | None]] = {name: [] for name in columns}
        for number, line in enumerate(lines.splitlines()):
            if line.strip():
                row = self._object(line, number)
                for name in columns:
                    found[name].append(_text(row.get(name)))
        arrays = [pa.array(found[name], pa.string()) for name in columns]
        return pa.table(arrays, names=list(columns))

    def _object(self, line: bytes, number: int) -> Mapping[str, Any]:  # Any: JSON
        row = _parsed(line)
        if row is None:
            raise InvalidInput(
                f"{self.lines.name}: line {number + 1} behind byte {self.lines.start} is no JSON "
                "object"
            )
        return row


def open_json_lines(
    name: str,
    files: Sequence[tuple[Path, str]],
    declared: Mapping[str, TypeName],
    range_bytes: int,
) -> OpenSource:
    """The files as one source; types that are not declared are guessed from the first lines."""
    types, width = _types(sample(files[0][0], 0), declared)
    partitions: list[JsonRange] = []
    for path, said in files:
        cutter = LineCutter(path, said, range_bytes, quoted=False)
        partitions += [JsonRange(lines, types) for lines in cutter.ranges()]
    arrow = {column: texts.ARROW[kind] for column, kind in types.items()}
    size = sum(path.stat().st_size for path, _ in files)
    return OpenSource(name, arrow, partitions, int(size / width))


def _types(lines: bytes, declared: Mapping[str, TypeName]) -> tuple[Mapping[str, TypeName], float]:
    found: dict[str, list[Any]] = {}
    rows = [row for row in map(_parsed, lines.splitlines()) if row is not None]
    for row in rows:
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    types: dict[str, TypeName] = {name: _type(seen) for name, seen in found.items()}
    return {**types, **declared}, len(lines) / len(rows) if rows else 64.0


def _stored(kind: TypeName) -> pa.DataType:
    """What JSON has for a type; it has no times."""
    return pa.string() if kind in ("date", "timestamp") else texts.ARROW[kind]


def _type(seen: Sequence[object]) -> TypeName:
    kinds = {type(value) for value in seen if value is not None}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "integer"
    return "number" if kinds and kinds <= {int, float} else "string"


def _parsed(line: bytes) -> Mapping[str, Any] | None:  # Any: JSON
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
