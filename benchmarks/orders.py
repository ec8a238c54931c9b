"""A large table of orders with seeded faults, and the ten checks that it is measured with."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_CHUNK = 500_000
_START = np.datetime64("2026-01-01T00:00:00", "us")
COUNTRIES = ("AT", "BE", "CH", "DE", "DK", "ES", "FR", "GB", "IT", "NL", "PL", "SE")
EMAIL = r"^[a-z0-9.]+@[a-z]+\.[a-z]{2,3}$"


def write_orders(path: Path, rows: int) -> None:
    """The table in row groups of a million rows; about one row in 20,000 has one fault."""
    chance = np.random.default_rng(20)
    with pq.ParquetWriter(path, _chunk(chance, 0, 1).schema) as writer:
        for start in range(0, rows, _CHUNK):
            table = _chunk(chance, start, min(_CHUNK, rows - start))
            writer.write_table(table, row_group_size=_CHUNK)


def schema() -> Any:  # Any: pandera has no types
    """Ten checks as a user of Pandera writes them."""
    import pandas as pd
    import pandera.pandas as pandera

    column, check = pandera.Column, pandera.Check
    return pandera.DataFrameSchema(
        {
            "id": column("int64", check.ge(0), unique=True),
            "customer": column("int64", check.in_range(1, 1_000_000)),
            "email": column(None, check.str_matches(EMAIL)),
            "country": column(None, check.isin(COUNTRIES)),
            "amount": column("float64", check.in_range(0, 10_000)),
            "quantity": column("int64", check.in_range(1, 100)),
            "rating": column("float64", check.in_range(0, 5), nullable=True),
            "ordered": column(None, check.ge(pd.Timestamp("2026-01-01"))),
            "shipped": column(None),
        },
        checks=[check(_shipped_after_ordered, name="shipped_after_ordered")],
    )


def rules() -> dict[str, Any]:  # Any: a document
    """The same ten checks as declared rules."""
    return {
        "columns": {
            "id": {"type": "integer", "range": {"min": 0}, "unique": True},
            "customer": {"type": "integer", "range": {"min": 1, "max": 1_000_000}},
            "email": {"matches": EMAIL},
            "country": {"in": COUNTRIES},
            "amount": {"type": "number", "range": {"min": 0, "max": 10_000}},
            "quantity": {"type": "integer", "range": {"min": 1, "max": 100}},
            "rating": {"type": "number", "range": {"min": 0, "max": 5}, "nullable": True},
            "ordered": {"range": {"min": "2026-01-01"}},
            "shipped": {},
        },
        "rows": [{"left": "shipped", "is": ">=", "right": "ordered"}],
    }


def _shipped_after_ordered(orders: Any) -> Any:  # Any: pandas has no types
    return orders["shipped"] >= orders["ordered"]


def _chunk(chance: np.random.Generator, start: int, rows: int) -> pa.Table:
    ids = np.arange(start, start + rows)
    ordered = _START + ids.astype("timedelta64[s]")
    wait = chance.integers(0, 864_000, rows).astype("timedelta64[s]")
    rating = chance.uniform(0, 5, rows)
    names = pa.array(ids).cast(pa.string())
    columns = {
        "id": ids.copy(),
        "customer": chance.integers(1, 1_000_001, rows),
        "email": _joined("user.", names, "@example.org").to_numpy(zero_copy_only=False),
        "country": np.array(COUNTRIES, dtype=object)[chance.integers(0, len(COUNTRIES), rows)],
        "amount": chance.uniform(0, 10_000, rows),
        "quantity": chance.integers(1, 101, rows),
        "rating": np.where(chance.random(rows) < 0.1, np.nan, rating),
        "ordered": ordered,
        "shipped": ordered + wait,
    }
    _spoil(chance, columns, rows)
    return pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})


def _spoil(chance: np.random.Generator, columns: dict[str, Any], rows: int) -> None:
    faults = {
        "customer": 0,
        "email": "nobody",
        "country": "XX",
        "amount": -1.0,
        "quantity": 101,
        "rating": 5.5,
        "ordered": np.datetime64("2025-12-31T23:59:59", "us"),
        "shipped": np.datetime64("2025-12-01T00:00:00", "us"),
    }
    places = chance.choice(rows, size=(len(faults) + 1, rows // 200_000), replace=False)
    for (name, fault), spoilt in zip(faults.items(), places, strict=False):
        columns[name][spoilt] = fault
    columns["id"][places[-1]] = columns["id"][places[-1] // 2]


def _joined(before: str, middle: pa.Array, behind: str) -> pa.Array:
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(before, middle, behind, "")
