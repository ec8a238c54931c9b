"""CSV files as partitions of byte ranges, each column read as its type."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from actors.data import texts
from actors.data.reading import Batch, OpenSource
from actors.data.rules import TypeName
from actors.data.text_files import LineCutter, TextRange, first_line, sample
from actors.data.typed_batch import typed_batch
from harness.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """How the lines of a CSV source are read."""

    header: tuple[str, ...]
    types: Mapping[str, TypeName]
    delimiter: str
    nulls: tuple[str, ...]

    def table(self, lines: bytes, columns: Sequence[str], texts_of: Sequence[str]) -> pa.Table:
        """The rows with the columns asked for, those in `texts_of` as texts."""
        wanted = {
            name: pa.string() if name in texts_of else texts.ARROW[self.types[name]]
            for name in columns
        }
        return pacsv.read_csv(
            pa.BufferReader(lines),
            pacsv.ReadOptions(
                use_threads=False, column_names=list(self.header), block_size=len(lines) + 1
            ),
            pacsv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(self.header) > 1,
            ),
            pacsv.ConvertOptions(
                column_types=wanted,
                include_columns=list(columns),
                null_values=list(self.nulls),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["true", "True", "TRUE"],
                false_values=["false", "False", "FALSE"],
                timestamp_parsers=[pacsv.ISO8601],
            ),
        )


@dataclass(frozen=True, slots=True)
class CsvRange:
    """Consecutive lines of a CSV file."""

    lines: TextRange
    layout: CsvLayout

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """All its rows at once; ranges are small."""
        lines = self.lines.read()
        try:
            yield self._typed(lines, columns)
        except pa.ArrowException as problem:
            raise InvalidInput(f"{self._place} cannot be read as CSV: {_reason(problem)}") from None

    def _typed(self, lines: bytes, columns: Sequence[str]) -> Batch:
        # Times with and without a zone may stand in one column, which Arrow reads as one only.
        zoned = [name for name in columns if self.layout.types[name] == "timestamp"]
        try:
            return typed_batch(self.layout.table(lines, columns, zoned), self.layout.types)
        except pa.ArrowInvalid:
            return typed_batch(self.layout.table(lines, columns, columns), self.layout.types)

    @property
    def _place(self) -> str:
        return f"{self.lines.name}, somewhere in bytes {self.lines.start} to {self.lines.stop},"


def open_csv(
    name: str,
    files: Sequence[tuple[Path, str]],
    declared: Mapping[str, TypeName],
    delimiter: str,
    nulls: tuple[str, ...],
    range_bytes: int,
) -> OpenSource:
    """The files as one source; types that are not declared are guessed from the first lines."""
    partitions: list[CsvRange] = []
    layout: CsvLayout | None = None
    size, width = 0, 64.0
    for path, said in files:
        line, start = first_line(path, said)
        header = _header(line, said, delimiter)
        if layout is None:
            layout, width = _layout(path, start, header, declared, delimiter, nulls)
        elif header != layout.header:
            raise InvalidInput(f"{said} has another header line than {files[0][1]}")
        cutter = LineCutter(path, said, range_bytes, quoted=True)
        partitions += [CsvRange(lines, layout) for lines in cutter.ranges(start)]
        size += path.stat().st_size - start
    types = {column: texts.ARROW[kind] for column, kind in layout.types.items()} if layout else {}
    return OpenSource(name, types, partitions, int(size / width))


def _header(line: bytes, said: str, delimiter: str) -> tuple[str, ...]:
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"the header line of {said} is not UTF-8") from None
    names = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
    doubled = {name for name in names if names.count(name) > 1} if len(names) < 10_000 else {"…"}
    if doubled or not names:
        raise InvalidInput(f"the header line of {said} repeats or lacks a name: {line[:80]!r}")
    return tuple(names)


def _layout(
    path: Path,
    start: int,
    header: tuple[str, ...],
    declared: Mapping[str, TypeName],
    delimiter: str,
    nulls: tuple[str, ...],
) -> tuple[CsvLayout, float]:
    everything = CsvLayout(header, dict.fromkeys(header, "string"), delimiter, nulls)
    lines = sample(path, start)
    try:
        rows = everything.table(lines, header, header) if lines else None
    except pa.ArrowException:
        rows = None  # the task that reads these lines says what is wrong with them
    types: dict[str, TypeName] = {}
    for name in header:
        seen = rows.column(name).combine_chunks() if rows is not None else pa.array([], pa.string())
        types[name] = declared.get(name) or texts.guess(seen)
    width = len(lines) / rows.num_rows if rows is not None and rows.num_rows else 64.0
    return CsvLayout(header, types, delimiter, nulls), width


def _reason(problem: pa.ArrowException) -> str:
    # Arrow's own message ends with the row, which may hold what must not be told.
    found = re.search(r"Expected (\d+) columns, got (\d+)", str(problem))
    if found:
        return f"a line has {found[2]} fields, and the header has {found[1]}"
    if "UTF8" in str(problem):
        return "a text is not UTF-8"
    return "a quote is not closed, or stands where none may"
