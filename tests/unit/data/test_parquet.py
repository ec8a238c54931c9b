"""Parquet files, and files that only say so."""

import contextlib
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.data.parquet import open_parquet
from harness.errors import InvalidInput
from tests.unit.data.tables import broken, finding, validated, write

TABLE = pa.table({"id": range(100), "n": [n % 7 for n in range(100)]})
RULES = {"key": ["id"], "columns": {"n": {"range": {"max": 5}}}}
FAILING = [str(n) for n in range(100) if n % 7 == 6]


def test_a_partitioned_folder_has_the_columns_of_its_names(tmp_path: Path) -> None:
    for year in (2025, 2026):
        folder = tmp_path / "sales" / f"year={year}" / "region=eu"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"id": [year * 10]}), folder / "part.parquet")
    columns = {"year": {"type": "integer", "range": {"max": 2025}}, "region": {"in": ["eu"]}}
    document = {"source": {"parquet": "sales"}, "key": ["id"], "columns": columns}
    assert broken(validated(tmp_path, document)) == {"columns.year.range": ["20260"]}


def test_files_with_other_columns_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "parquet", "a", TABLE)
    write(tmp_path, "parquet", "b", TABLE.rename_columns(["id", "m"]))
    with pytest.raises(InvalidInput, match=r"b\.parquet has other columns .*: m, n"):
        validated(tmp_path, {"source": {"parquet": "*.parquet"}})


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", "b", None]).dictionary_encode(),
        pa.array(["a", "b", None], pa.large_string()),
        pa.array(["a", "b", None], pa.string_view()),
    ],
)
def test_texts_are_texts_however_they_are_stored(tmp_path: Path, values: pa.Array) -> None:
    source = write(tmp_path, "parquet", "t", pa.table({"s": values}))
    columns = {"s": {"type": "string", "in": ["a"], "unique": True, "matches": "."}}
    report = validated(tmp_path, {"source": source, "columns": columns})
    assert broken(report) == {"columns.s.nullable": ["row 3"], "columns.s.in": ["row 2"]}


@pytest.mark.parametrize("is_dictionary", [False, True])
def test_a_long_text_that_many_rows_share_does_not_fill_memory(
    tmp_path: Path, is_dictionary: bool
) -> None:
    text = pa.array(["short", "x" * 4_000])
    codes = pa.array([0] * 2000 + [1] * 18_000, pa.int8())
    column = pa.DictionaryArray.from_arrays(codes, text)
    rows = pa.table({"text": column if is_dictionary else column.dictionary_decode()})
    pq.write_table(rows, tmp_path / "t.parquet", row_group_size=20_000)
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    opened = open_parquet("t", tmp_path, [tmp_path / "t.parquet"], 4 << 20, 1)
    sizes = [batch.table.nbytes for part in opened.partitions for batch in part.batches(["text"])]
    assert max(sizes) < 2 << 20


@pytest.mark.parametrize("rows", [1, 9, 100])
def test_row_groups_of_any_size_give_the_same(tmp_path: Path, rows: int) -> None:
    source = write(tmp_path, "parquet", "t", TABLE, rows)
    assert broken(validated(tmp_path, {"source": source, **RULES})) == {"columns.n.range": FAILING}


def test_a_file_that_promises_more_rows_than_it_has_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "t", TABLE, rows=100)
    lie(tmp_path / "t.parquet", 100, 110)
    with pytest.raises(InvalidInput, match=r"t\.parquet, row groups 0 to 0, "):
        validated(tmp_path, {"source": source, **RULES})


def test_a_file_that_hides_rows_has_those_that_every_reader_sees(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "t", TABLE, rows=100)
    lie(tmp_path / "t.parquet", 100, 90)
    assert validated(tmp_path, {"source": source, **RULES}).rows == 90


@pytest.mark.parametrize("place", [4, 60, 400, -5, -30])
def test_a_damaged_file_is_refused_or_read(tmp_path: Path, place: int) -> None:
    source = write(tmp_path, "parquet", "t", TABLE, rows=100)
    path = tmp_path / "t.parquet"
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(bytes(content))
    with contextlib.suppress(InvalidInput):  # and no other error
        assert validated(tmp_path, {"source": source, **RULES}).rows == 100


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 50 + b"PAR1", b"id,n\n"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"t\.parquet is no Parquet file"):
        validated(tmp_path, {"source": {"parquet": "t.parquet"}})


def test_a_rule_about_lists_is_an_error(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "t", pa.table({"l": [[1], [2]]}))
    with pytest.raises(InvalidInput, match="not a plain value"):
        validated(tmp_path, {"source": source, "unique": [["l"]]})


def test_an_empty_table_meets_rules_of_rows(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "t", TABLE.slice(0, 0))
    report = validated(tmp_path, {"source": source, **RULES, "unique": [["id"]]})
    assert (report.met, report.rows) == (True, 0)


def test_values_are_told_as_people_write_them(tmp_path: Path) -> None:
    rows = pa.table({"d": [date(2026, 2, 1)], "f": [0.1], "b": [b"\xff"], "t": [True]})
    source = write(tmp_path, "parquet", "t", rows)
    document = {"source": source, "columns": {name: {"in": []} for name in ("d", "f", "t")}}
    report = validated(tmp_path, document)
    said = [finding(report, f"columns.{name}.in").rows[0].values[name] for name in ("d", "f", "t")]
    assert said == ["2026-02-01", "0.1", "true"]


def lie(path: Path, truth: int, said: int) -> None:
    """Has a file's footer say another number of rows."""
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    assert _zigzag(truth) in content[footer:]
    path.write_bytes(content[:footer] + content[footer:].replace(_zigzag(truth), _zigzag(said)))


def _zigzag(number: int) -> bytes:
    """A number as Thrift's compact form has it."""
    number *= 2
    low, high = number & 0x7F | 0x80, number >> 7
    return bytes([low, high])
