"""Rules that each row meets or fails by itself, on sources of every kind."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from harness.errors import InvalidInput
from tests.unit.data.tables import KINDS, broken, finding, validated, write

AIRPORTS = pa.table(
    {
        "iata": ["CLD", "HHH", "JFK", "ORD", "SFO"],
        "state": ["CA", "SC", "NY", None, "CA"],
        "latitude": [33.1, 99.0, 40.6, 41.9, None],
        "runways": [1, 2, 0, 8, 4],
        "gates": [1, 1, 2, 9, 4],
        "opened": pa.array([datetime(2000 + n, 1, 1, tzinfo=UTC) for n in range(5)]),
    }
)
CASES: list[tuple[str, dict[str, Any], dict[str, list[str]]]] = [
    ("state", {}, {"columns.state.nullable": ["ORD"]}),
    ("state", {"nullable": True}, {}),
    ("latitude", {"range": {"max": 90}}, {
        "columns.latitude.nullable": ["SFO"], "columns.latitude.range": ["HHH"]}),
    ("latitude", {"range": {"min": 33.1, "max": 99}, "nullable": True}, {}),
    ("latitude", {"range": {"above": 33.1, "below": 99}, "nullable": True}, {
        "columns.latitude.range": ["CLD", "HHH"]}),
    ("state", {"in": ["CA", "NY"], "nullable": True}, {"columns.state.in": ["HHH"]}),
    ("runways", {"in": [1, 2, 4, 8]}, {"columns.runways.in": ["JFK"]}),
    ("iata", {"matches": "[A-J].*"}, {"columns.iata.matches": ["ORD", "SFO"]}),
    ("iata", {"matches": "[A-Z]"}, {"columns.iata.matches": ["CLD", "HHH", "JFK", "ORD", "SFO"]}),
    ("iata", {"length": {"min": 3, "max": 3}}, {}),
    ("state", {"length": {"min": 3}, "nullable": True}, {
        "columns.state.length": ["CLD", "HHH", "JFK", "SFO"]}),
    ("opened", {"range": {"min": "2001-01-01T00:00:00+00:00"}, "type": "timestamp"}, {
        "columns.opened.range": ["CLD"]}),
    ("runways", {"type": "integer", "range": {"min": 1}}, {"columns.runways.range": ["JFK"]}),
    ("state", {"unique": True, "nullable": True}, {"columns.state.unique": ["CLD", "SFO"]}),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("column", "rule", "expected"), CASES)
def test_a_column_rule_names_the_rows_that_fail(
    tmp_path: Path, kind: str, column: str, rule: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    source = write(tmp_path, kind, "airports", AIRPORTS)
    document = {"source": source, "key": ["iata"], "columns": {column: rule}}
    assert broken(validated(tmp_path, document, {"airports": AIRPORTS})) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        ("<", ["CLD", "HHH", "SFO"]),
        ("<=", ["HHH"]),
        ("==", ["HHH", "JFK", "ORD"]),
        ("!=", ["CLD", "SFO"]),
        (">=", ["JFK", "ORD"]),
        (">", ["CLD", "JFK", "ORD", "SFO"]),
    ],
)
def test_two_columns_of_a_row_are_compared(
    tmp_path: Path, kind: str, sign: str, expected: list[str]
) -> None:
    source = write(tmp_path, kind, "airports", AIRPORTS)
    rows = [{"left": "runways", "is": sign, "right": "gates"}]
    document = {"source": source, "key": ["iata"], "rows": rows}
    assert broken(validated(tmp_path, document, {"airports": AIRPORTS})) == {"rows.0": expected}


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_texts_that_are_no_values_are_findings(tmp_path: Path, kind: str) -> None:
    texts = pa.table({"id": ["a", "b", "c"], "price": ["1.5", "free", None]})
    source = write(tmp_path, kind, "prices", texts)
    columns = {"price": {"type": "number", "range": {"max": 1}}}
    report = validated(tmp_path, {"source": source, "key": ["id"], "columns": columns})
    assert broken(report) == {
        "columns.price.nullable": ["c"],
        "columns.price.type": ["b"],
        "columns.price.range": ["a"],
    }
    assert finding(report, "columns.price.type").rows[0].values["price"] == "free"


def test_a_wrong_type_is_one_finding_and_no_rows(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "airports", AIRPORTS)
    columns = {"iata": {"type": "integer", "range": {"min": 1}}}
    found = validated(tmp_path, {"source": source, "columns": columns}).broken
    assert [each.text for each in found] == [
        "column iata of airports has another type: expected integer, observed string"
    ]


def test_a_column_that_is_gone_is_a_finding(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "airports", AIRPORTS.select(["iata", "state"]))
    rows = [{"left": "iata", "is": "<", "right": "city"}]
    document = {"source": source, "columns": {"name": {}}, "rows": rows, "closed": True}
    report = validated(tmp_path, document)
    assert report.text.splitlines() == [
        "airports has no column name: expected name, observed iata, state",
        "airports has columns that are not declared: expected none, observed iata, state",
        "airports has no column city: expected city, observed iata, state",
    ]


@pytest.mark.parametrize(
    ("column", "rule", "said"),
    [
        ("iata", {"range": {"min": 5}}, "columns.iata.range: 5 cannot be compared"),
        ("runways", {"in": ["one"]}, "columns.runways.in: 'one' cannot be compared"),
        ("runways", {"matches": "1"}, "columns.runways.matches is for texts"),
        ("iata", {"matches": "(?=x)"}, "is no regular expression of RE2"),
        ("iata", {"range": {}}, "columns.iata.range has no bound"),
    ],
)
def test_a_rule_without_sense_is_an_error(
    tmp_path: Path, column: str, rule: dict[str, Any], said: str
) -> None:
    source = write(tmp_path, "parquet", "airports", AIRPORTS)
    with pytest.raises(InvalidInput, match=said.replace("(", r"\(")):
        validated(tmp_path, {"source": source, "columns": {column: rule}})


def test_rows_without_a_key_are_named_by_number(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "airports", AIRPORTS)
    document = {"source": source, "columns": {"latitude": {"nullable": True, "range": {"max": 90}}}}
    report = validated(tmp_path, document)
    assert report.text == "1 row of airports whose latitude is not at most 90: row 2 (latitude 99)"


def test_only_the_first_rows_are_named_and_all_are_counted(tmp_path: Path) -> None:
    table = pa.table({"id": range(100), "bad": [True] * 100})
    source = write(tmp_path, "parquet", "things", table, rows=7)
    document = {"source": source, "key": ["id"], "shown": 3, "columns": {"bad": {"in": [False]}}}
    found = finding(validated(tmp_path, document), "columns.bad.in")
    assert (found.failed, [row.key for row in found.rows]) == (100, ["0", "1", "2"])
    assert "0, 1, 2 and 97 more" in found.text


@pytest.mark.parametrize(
    ("column", "rule", "expected"),
    [
        ("price", {"range": {"min": 0}}, ["row 3"]),
        ("price", {"range": {"min": 1.5, "max": 2}}, ["row 2", "row 3"]),
        ("price", {"in": [1.5, 2.25]}, ["row 3"]),
        ("pieces", {"in": [1.0, 2]}, ["row 3"]),
        ("weight", {"in": [2, 1.5]}, ["row 3"]),
    ],
)
def test_numbers_are_compared_across_their_types(
    tmp_path: Path, column: str, rule: dict[str, Any], expected: list[str]
) -> None:
    numbers = {
        "price": [Decimal("1.50"), Decimal("2.25"), Decimal("-3.00")],
        "weight": [1.5, 2.0, -3.0],
        "pieces": [1, 2, -3],
    }
    document = {"source": {"frame": "t"}, "columns": {column: rule}}
    [found] = broken(validated(tmp_path, document, {"t": pa.table(numbers)})).values()
    assert found == expected
