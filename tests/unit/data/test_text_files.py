"""Text files are cut at line ends alone, and read as Python's own csv and json read them."""

import csv
import gzip
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.data.csv_file import open_csv
from actors.data.json_lines import open_json_lines
from actors.data.reading import OpenSource
from actors.data.rules import TypeName
from actors.data.text_files import LineCutter
from harness.errors import HarnessError, InvalidInput, TooLarge
from tests.unit.data.tables import broken, validated

TEXTS = st.text(st.sampled_from('ab,"\n é;'), max_size=12)
TABLES = st.lists(st.tuples(TEXTS, st.integers(-9, 9)), max_size=25)


@given(rows=TABLES, size=st.integers(1, 200), end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=60, deadline=None)
def test_any_cut_of_a_csv_gives_the_same_rows(
    rows: list[tuple[str, int]], size: int, end: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator=end)
    writer.writerows([("t", "n"), *rows])
    with TemporaryDirectory() as name:
        path = Path(name) / "table.csv"
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        opened = open_csv("t", [(path, "t.csv")], {"t": "string", "n": "integer"}, ",", (), size)
        assert read(opened, ["t", "n"]) == rows


@given(rows=TABLES, size=st.integers(1, 200))
@settings(max_examples=30, deadline=None)
def test_any_cut_of_json_lines_gives_the_same_rows(rows: list[tuple[str, int]], size: int) -> None:
    lines = "".join(json.dumps({"n": n, "t": t, "x": [n]}) + "\n" for t, n in rows)
    with TemporaryDirectory() as name:
        path = Path(name) / "table.jsonl"
        path.write_text(lines, encoding="utf-8")
        opened = open_json_lines("t", [(path, "t.jsonl")], {"t": "string", "n": "integer"}, size)
        assert read(opened, ["t", "n"]) == rows


@given(content=st.text(st.sampled_from('a"\n'), max_size=60), size=st.integers(1, 9))
def test_ranges_cover_a_file_once(content: str, size: int) -> None:
    with TemporaryDirectory() as name:
        path = Path(name) / "file"
        path.write_text(content, encoding="utf-8", newline="")
        ranges = LineCutter(path, "file", size, quoted=True).ranges()
        assert b"".join(each.read() for each in ranges).decode() == content


def test_only_the_declared_texts_are_null(tmp_path: Path) -> None:
    (tmp_path / "states.csv").write_text('id,state\n1,NA\n2,\n3,""\n4,-\n')
    source = {"csv": "states.csv", "nulls": ["", "-"]}
    report = validated(tmp_path, {"source": source, "key": ["id"], "columns": {"state": {}}})
    assert broken(report) == {"columns.state.nullable": ["2", "4"]}


def test_a_column_of_one_may_have_empty_lines(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("id\n1\n\n3\n")
    report = validated(tmp_path, {"source": {"csv": "one.csv"}, "columns": {"id": {}}})
    assert broken(report) == {"columns.id.nullable": ["row 2"]}


def test_a_type_guessed_from_the_first_lines_is_a_rule_for_the_others(tmp_path: Path) -> None:
    lines = "".join(f"{n}\n" for n in range(300_000))
    (tmp_path / "n.csv").write_text(f"n\n{lines}many\n")
    report = validated(tmp_path, {"source": {"csv": "n.csv"}, "columns": {"n": {}}})
    assert broken(report) == {"columns.n.type": ["row 300001"]}


@pytest.mark.parametrize("packed", [False, True])
def test_files_of_a_glob_are_one_source(tmp_path: Path, packed: bool) -> None:
    for month in (1, 2):
        content = f"id;n\n{month};5\n".encode()
        path = tmp_path / f"sales-{month}.csv{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content) if packed else content)
    source = {"csv": "sales-*.csv*", "delimiter": ";", "name": "sales"}
    report = validated(tmp_path, {"source": source, "columns": {"n": {"unique": True}}})
    assert report.text == "2 rows of sales with a repeated n: row 1, row 2 (n 5)"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "t.csv is empty"),
        (b"a,a\n1,2\n", "repeats or lacks a name"),
        (b"a,b\n1,2,secret\n", "a line has 3 fields, and the header has 2"),
        (b'a,b\n"1,2\n3,4\n', "t.csv"),
        (b"a,b\n\xff,2\n", "not UTF-8"),
        (b"\xff\xfe\n1,2\n", "the header line of t.csv is not UTF-8"),
    ],
)
def test_a_broken_csv_is_refused_without_its_content(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(HarnessError, match=said) as refused:
        validated(tmp_path, {"source": {"csv": "t.csv"}, "columns": {"a": {}}})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("line", ["[1]", "{", "7", "[" * 100_000])
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "t.jsonl").write_text(f'{{"a": 1}}\n{line}\n')
    with pytest.raises(InvalidInput, match=r"t\.jsonl: line 2 behind byte 0 is no JSON object"):
        validated(tmp_path, {"source": {"jsonl": "t.jsonl"}, "columns": {"a": {}}})


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_line_of_a_gigabyte_is_refused_early(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"long.{kind}"
    path.write_text("a,b\n" if kind == "csv" else "")
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    before = pa.total_allocated_bytes()
    with pytest.raises(TooLarge, match="line longer than 16 MiB"):
        validated(tmp_path, {"source": {kind: path.name}, "columns": {"a": {}}})
    assert pa.total_allocated_bytes() - before < 1 << 20


def test_a_header_of_a_gigabyte_is_refused_early(tmp_path: Path) -> None:
    with (tmp_path / "long.csv").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(TooLarge, match=r"the first line of long\.csv is longer than 1 MiB"):
        validated(tmp_path, {"source": {"csv": "long.csv"}})


def test_a_bomb_is_refused_by_its_ratio_and_by_its_size(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.csv.gz", "wb", compresslevel=9) as file:
        for _ in range(100):
            file.write(b"a\n" * (1 << 19))
    source = {"source": {"csv": "bomb.csv.gz"}}
    with pytest.raises(TooLarge, match="more than 200 times its size"):
        validated(tmp_path, source)
    with pytest.raises(TooLarge, match="more than 8 MiB"):
        validated(tmp_path, source, unpacked_bytes=8 << 20)


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a\n1\n" * 99)[:-9])
    with pytest.raises(InvalidInput, match=r"t\.csv\.gz cannot be unpacked"):
        validated(tmp_path, {"source": {"csv": "t.csv.gz"}})


def read(opened: OpenSource, columns: list[str]) -> list[tuple[object, ...]]:
    """All rows of a source."""
    tables = [batch.table for part in opened.partitions for batch in part.batches(columns)]
    return [tuple(row[name] for name in columns) for t in tables for row in t.to_pylist()]


ODD = ("5", " 5", "+5", "05", "0x10", "5.0", "1e3", "1e400", "nan", "-inf", "1,5", "", "  ", "true",
       "tRue", "1", "2026-01-01", "2026-1-1", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z",
       "2026-01-01T00:00:00+02:00", "9223372036854775808", "null", "\t5")  # fmt: skip


@pytest.mark.parametrize("kind", ["integer", "number", "boolean", "date", "timestamp"])
def test_a_text_is_read_alike_whatever_stands_in_the_lines_beside_it(
    tmp_path: Path, kind: TypeName
) -> None:
    path = tmp_path / "t.csv"
    for text in ODD:
        alone, beside = (
            odd_value(path, f"a;b\n{lines}", kind)
            for lines in (f"{text};x\n", f"{text};x\ngarbage;x\n")
        )
        assert alone == beside, text


def odd_value(path: Path, content: str, kind: TypeName) -> str:
    """The first value of the first column, or the text that is none."""
    path.write_text(content, encoding="utf-8")
    types: dict[str, TypeName] = {"a": kind, "b": "string"}
    [part] = open_csv("t", [(path, "t.csv")], types, ";", ("",), 1 << 20).partitions
    [batch] = part.batches(["a", "b"])
    unreadable = batch.unreadable.get("a")
    return f"{batch.column('a')[0]} {unreadable[0] if unreadable is not None else None}"
