"""Rules about all rows of one source, or of two."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from harness.errors import InvalidInput, NotFound
from tests.unit.data.tables import KINDS, broken, validated, write

ORDERS = pa.table(
    {
        "id": [1, 2, 3, 4, 5, 6],
        "customer": [10, 10, 11, None, 99, 98],
        "day": ["mon", "mon", "mon", "tue", "tue", None],
        "amount": [1.5, 2.5, 3.0, 4.0, 5.0, 6.0],
        "pieces": [1, 2, 3, 4, 5, 6],
        "paid": pa.array([datetime(2029, 12, 31, hour, tzinfo=UTC) for hour in range(6)]),
    }
)
CUSTOMERS = pa.table({"number": [10, 11, 12, 13], "name": ["a", "b", "c", "d"]})


def orders(folder: Path, kind: str, **rules: Any) -> dict[str, Any]:
    """A document about the orders."""
    return {"source": write(folder, kind, "orders", ORDERS), "key": ["id"], **rules}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_references_and_coverage_name_the_keys_that_are_missing(
    tmp_path: Path, kind: str, other: str
) -> None:
    customers = write(tmp_path, other, "customers", CUSTOMERS)
    pair = {"columns": ["customer"], "to": ["number"], "source": customers}
    document = orders(tmp_path, kind, references=[pair], covers=[pair])
    report = validated(tmp_path, document, {"orders": ORDERS, "customers": CUSTOMERS})
    assert report.text.splitlines() == [
        "2 rows of orders whose customer is not in customers: 5, 6 (customer 99, 98)",
        "2 rows missing in orders: 12, 13",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_several_columns_is_unique(tmp_path: Path, kind: str) -> None:
    document = orders(tmp_path, kind, unique=[["day", "customer"], ["customer"], ["id", "day"]])
    report = validated(tmp_path, document, {"orders": ORDERS})
    assert broken(report) == {"unique.0": ["1", "2"], "unique.1": ["1", "2"]}


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"min": 6, "max": 6}, "1 rule holds for 6 rows of orders"),
        ({"min": 7}, "orders has too few rows: expected at least 7 rows, observed 6 rows"),
        ({"max": 0}, "orders has too many rows: expected at most 0 rows, observed 6 rows"),
    ],
)
def test_rows_are_counted(tmp_path: Path, bounds: dict[str, int], text: str) -> None:
    assert validated(tmp_path, orders(tmp_path, "parquet", count=bounds)).text == text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("within", "met"), [("19h", True), ("1h", False)])
def test_the_newest_time_is_young_enough(tmp_path: Path, kind: str, within: str, met: bool) -> None:
    fresh = {"column": "paid", "within": within}
    columns = {"paid": {"type": "timestamp"}}
    document = orders(tmp_path, kind, fresh=fresh, columns=columns)
    assert validated(tmp_path, document, {"orders": ORDERS}).met is met


def test_no_time_at_all_is_not_fresh(tmp_path: Path) -> None:
    empty = ORDERS.slice(0, 0)
    source = write(tmp_path, "parquet", "empty", empty)
    report = validated(tmp_path, {"source": source, "fresh": {"column": "paid", "within": "1h"}})
    assert "observed no time" in report.text


@pytest.mark.parametrize("kind", KINDS)
def test_totals_are_reconciled_by_group(tmp_path: Path, kind: str) -> None:
    ledger = pa.table({"weekday": ["mon", "tue", "wed"], "sum": [7.0, 8.5, 1.0]})
    equals = {"source": write(tmp_path, kind, "ledger", ledger), "by": ["weekday"], "column": "sum"}
    total = {"column": "amount", "by": ["day"], "equals": equals}
    document = orders(tmp_path, kind, totals=[total])
    report = validated(tmp_path, document, {"orders": ORDERS, "ledger": ledger})
    found = report.broken[0]
    assert {row.key: (row.values["observed"], row.values["expected"]) for row in found.rows} == {
        "tue": ("9", "8.5"),
        "wed": ("no row", "1"),
        "null": ("6", "no row"),
    }
    assert found.text.startswith(
        "3 groups by day of orders whose sum of amount is not that of ledger: tue, wed, null"
    )


@pytest.mark.parametrize(
    ("aggregate", "column", "observed"),
    [
        ("sum", "pieces", "21"),
        ("mean", "amount", "3.66666666666667"),
        ("min", "pieces", "1"),
        ("max", "paid", "2029-12-31 05:00:00+00:00"),
        ("count", "customer", "5"),
        ("count", None, "6"),
    ],
)
def test_a_whole_total_is_compared(
    tmp_path: Path, aggregate: str, column: str | None, observed: str
) -> None:
    other = ORDERS.slice(2, 2)
    equals = {"source": write(tmp_path, "parquet", "other", other)}
    total = {"aggregate": aggregate, "column": column, "equals": equals}
    report = validated(tmp_path, orders(tmp_path, "parquet", totals=[total]))
    assert report.broken[0].observed == observed
    same = {**total, "equals": {"source": {"parquet": "orders.parquet"}}}
    assert validated(tmp_path, orders(tmp_path, "parquet", totals=[same])).met


def test_sums_of_large_integers_are_exact(tmp_path: Path) -> None:
    big = 2**63 - 1
    source = write(tmp_path, "parquet", "big", pa.table({"n": [big, big, big, -5]}), rows=1)
    off = write(tmp_path, "parquet", "off", pa.table({"n": [Decimal(3 * big - 4)]}))
    total = {"column": "n", "equals": {"source": off}}
    found = validated(tmp_path, {"source": source, "totals": [total]}).broken[0]
    assert found.observed == str(3 * big - 5)


def test_keys_that_can_never_be_equal_are_an_error(tmp_path: Path) -> None:
    customers = write(tmp_path, "parquet", "customers", CUSTOMERS)
    pair = {"columns": ["customer"], "to": ["name"], "source": customers}
    with pytest.raises(InvalidInput, match="can never be equal"):
        validated(tmp_path, orders(tmp_path, "parquet", references=[pair]))


def test_a_sum_of_texts_is_an_error(tmp_path: Path) -> None:
    total = {"column": "day", "equals": {"source": {"parquet": "orders.parquet"}}}
    with pytest.raises(InvalidInput, match="only numbers have a sum"):
        validated(tmp_path, orders(tmp_path, "parquet", totals=[total]))


def test_a_frame_that_was_not_handed_over_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no frame 'orders' was handed over; there is none"):
        validated(tmp_path, {"source": {"frame": "orders"}})


@pytest.mark.parametrize("column", ["key", "mask"])
def test_a_key_that_is_no_column_is_an_error(tmp_path: Path, column: str) -> None:
    source = write(tmp_path, "parquet", "orders", ORDERS)
    with pytest.raises(InvalidInput, match=f"`{column}` names the column nope"):
        validated(tmp_path, {"source": source, column: ["nope"]})
