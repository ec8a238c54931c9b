"""A user's Pandera schema names the rows that it names on a whole frame."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pytest
from pandera.errors import SchemaErrors

from actors.data.checks import Bounded, OneOf
from actors.data.findings import Report
from actors.data.pandera_check import PanderaCheck
from actors.data.pandera_schema import PanderaSchema
from harness.errors import HarnessError, InvalidInput
from tests.unit.data.tables import broken, validated, write

Column, Check = pandera.Column, pandera.Check
ROWS = pd.DataFrame(
    {
        "id": [1, 2, 3, 3, 5, 6],
        "name": ["ab", "b", None, "", "äé", "abc"],
        "score": [0.5, math.nan, -1.0, 7.0, 3.0, 3.0],
        "day": pd.to_datetime(["2026-01-0" + str(n) for n in range(1, 7)]).astype("datetime64[us]"),
    }
)
CHECKS: list[tuple[str, Any]] = [
    ("id", Check.ge(2)),
    ("id", Check.eq(3)),
    ("id", Check.ne(3)),
    ("id", Check.lt(2.5)),
    ("id", Check.isin([1, 2, 3])),
    ("id", Check.notin([1, 6])),
    ("id", Check(lambda ids: ids % 2 == 1)),
    ("id", Check(lambda value: value > 2, element_wise=True)),
    ("name", Check.str_matches("a|b")),
    ("name", Check.str_matches("^ab$")),
    ("name", Check.str_matches(r"\w+$")),
    ("name", Check.str_matches("(?!a)")),
    ("name", Check.str_contains("b")),
    ("name", Check.str_length(1, 2)),
    ("name", Check.str_length(exact_value=3)),
    ("name", Check.str_startswith("a")),
    ("name", Check.isin(["ab", ""])),
    ("name", Check.gt("a")),
    ("score", Check.in_range(0, 3)),
    ("score", Check.in_range(0, 3, include_max=False)),
    ("score", Check(lambda scores: scores > 0)),
    ("score", Check(lambda scores: scores.notna(), ignore_na=False)),
    ("day", Check.ge(pd.Timestamp("2026-01-03"))),
    ("day", Check.in_range(pd.Timestamp("2026-01-02"), pd.Timestamp("2026-01-04"))),
]


@pytest.mark.parametrize("cut", [1, 2, 6])
@pytest.mark.parametrize(("column", "check"), CHECKS)
def test_a_check_fails_the_same_rows(tmp_path: Path, column: str, check: Any, cut: int) -> None:
    schema = pandera.DataFrameSchema({column: Column(None, check, nullable=True)})
    assert by_platform(tmp_path, ROWS, schema, cut) == by_pandera(ROWS, schema)


@pytest.mark.parametrize("cut", [1, 4])
@pytest.mark.parametrize(
    "schema",
    [
        pandera.DataFrameSchema({"id": Column(int, unique=True), "name": Column(str)}),
        pandera.DataFrameSchema({"score": Column(float, unique=True, nullable=True)}),
        pandera.DataFrameSchema({}, unique=["id", "score"]),
        pandera.DataFrameSchema({"^[is].*": Column(None, Check.gt(1), regex=True, nullable=True)}),
        pandera.DataFrameSchema({"gone": Column(int, required=False), "id": Column(int)}),
        pandera.DataFrameSchema(
            {"id": Column(int)}, checks=Check(lambda rows: rows["id"] > rows["score"])
        ),
    ],
)
def test_a_schema_fails_the_same_rows(tmp_path: Path, schema: Any, cut: int) -> None:
    assert by_platform(tmp_path, ROWS, schema, cut) == by_pandera(ROWS, schema)


class Scores(pandera.DataFrameModel):
    """A schema written as a class."""

    id: int = pandera.Field(ge=2)
    score: float = pandera.Field(nullable=True)

    @pandera.check("score", name="positive")
    def is_positive(cls, scores: Any) -> Any:
        return scores > 0


def test_a_model_is_a_schema(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "rows", pa.table(ROWS[["id", "score"]]))
    report = validated(tmp_path, {"source": source, "key": ["id"]}, schema=Scores)
    assert report.text.splitlines() == [
        "1 row of rows whose id is not at least 2: 1",
        "1 row of rows whose score fails positive: 3 (score -1)",
    ]


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        (Check.gt(1), Bounded),
        (Check.isin([1]), OneOf),
        (Check.isin(["a"]), PanderaCheck),
        (Check(lambda ids: ids > 1, name="greater_than"), PanderaCheck),
        (Check.gt(1, ignore_na=False), PanderaCheck),
    ],
)
def test_what_pandera_knows_by_name_runs_on_vectors(check: Any, kind: type) -> None:
    schema = PanderaSchema(pandera.DataFrameSchema({"id": Column(None, check, nullable=True)}))
    assert [type(found) for found in schema.checks({"id": pa.int64()})][-1] is kind


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (lambda: {"id": Column(float)}, "column id of rows has another type: expected float64"),
        (lambda: {"id": Column("int32")}, "column id of rows has another type: expected int32"),
        (lambda: {"gone": Column(int)}, "rows has no column gone: expected gone"),
    ],
)
def test_wrong_columns_are_findings(
    tmp_path: Path, schema: Callable[[], dict[str, Any]], text: str
) -> None:
    source = write(tmp_path, "parquet", "rows", pa.table(ROWS))
    report = validated(tmp_path, {"source": source}, schema=pandera.DataFrameSchema(schema()))
    assert report.text.startswith(text)


def test_texts_are_read_as_the_schemas_types(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,price\n1,2.5\nx,3\n3,\n")
    schema = pandera.DataFrameSchema({"id": Column(int), "price": Column(float, Check.gt(2.6))})
    report = validated(tmp_path, {"source": {"csv": "t.csv"}}, schema=schema)
    assert broken(report) == {
        "schema.id.dtype": ["row 2"],
        "schema.price.nullable": ["row 3"],
        "schema.price.greater_than": ["row 1"],
    }


def test_a_column_is_coerced_where_the_schema_says_so(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "t", pa.table({"n": ["1", "two", None]}))
    schema = pandera.DataFrameSchema({"n": Column(int, Check.gt(1), coerce=True, nullable=True)})
    report = validated(tmp_path, {"source": source}, schema=schema)
    assert broken(report) == {
        "schema.n.dtype": ["row 2"],
        "schema.n.greater_than": ["row 1"],
    }


def test_order_and_strictness_are_findings(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "t", pa.table({"a": [1], "b": [2]}))
    ordered = pandera.DataFrameSchema({"b": Column(int), "a": Column(int)}, ordered=True)
    strict = pandera.DataFrameSchema({"a": Column(int)}, strict=True)
    assert "in another order" in validated(tmp_path, {"source": source}, schema=ordered).text
    assert "not declared" in validated(tmp_path, {"source": source}, schema=strict).text


def raises_the_value(values: Any) -> Any:
    """A user's check that tells what it saw."""
    raise ValueError(f"secret {list(values)}")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (
            {"columns": {"id": Column(int, Check(lambda s: s.mean() > 3, name="mean"))}},
            "one answer",
        ),
        ({"columns": {"id": Column(int, Check(raises_the_value))}}, "raised ValueError"),
        ({"columns": {"id": Column(int, Check(lambda g: True, groupby="id"))}}, "groups rows"),
        ({"index": pandera.Index(int)}, "has an index"),
        ({"drop_invalid_rows": True}, "has drop_invalid_rows"),
        ({"columns": {"name": Column("category")}}, "dtype category"),
    ],
)
def test_what_batches_cannot_judge_is_an_error(
    tmp_path: Path, schema: dict[str, Any], said: str
) -> None:
    source = write(tmp_path, "parquet", "rows", pa.table(ROWS))
    with pytest.raises(HarnessError, match=said) as refused:
        validated(tmp_path, {"source": source}, schema=pandera.DataFrameSchema(**schema))
    assert "secret" not in str(refused.value)


def test_what_is_no_schema_is_an_error(tmp_path: Path) -> None:
    source = write(tmp_path, "parquet", "rows", pa.table(ROWS))
    with pytest.raises(InvalidInput, match="dict is no Pandera schema"):
        validated(tmp_path, {"source": source}, schema={"id": int})


def by_platform(folder: Path, rows: pd.DataFrame, schema: Any, cut: int) -> set[int]:
    """Places of rows that fail anything."""
    source = write(folder, "parquet", "rows", pa.Table.from_pandas(rows), cut)
    return named(validated(folder, {"source": source}, schema=schema))


def named(report: Report) -> set[int]:
    """Places of the rows in a report."""
    return {row.number - 1 for found in report.broken for row in found.rows}


def by_pandera(rows: pd.DataFrame, schema: Any) -> set[int]:
    """Places of rows that fail anything, as Pandera says about the whole frame."""
    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return {int(place) for place in errors.failure_cases["index"]}
    return set()
