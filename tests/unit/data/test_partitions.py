"""What is found does not depend on how rows are cut into partitions, batches and buckets."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask
import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.data.hashing import Digests, digests
from actors.data.keys import (
    FailingKeys,
    KeySet,
    Piece,
    absent,
    bucket_count,
    repeated,
    write_piece,
)
from actors.data.parquet import RowGroups, open_parquet
from actors.data.reading import Batch
from tests.unit.data.tables import broken, validated, write

SMALL = st.one_of(st.none(), st.integers(-3, 3))
ROWS = st.lists(
    st.tuples(SMALL, st.one_of(st.none(), st.sampled_from(["a", "b", "", "ä€", "x" * 300])), SMALL),
    max_size=30,
)
RULES = {
    "columns": {
        "a": {"unique": True, "range": {"min": -1}},
        "b": {"in": ["a", "", "x"], "nullable": True},
    },
    "rows": [{"left": "a", "is": "<=", "right": "c"}],
    "unique": [["b", "c"]],
    "shown": 1000,
}


def table(rows: Sequence[tuple[int | None, str | None, int | None]]) -> pa.Table:
    """The rows with types, also where there are none."""
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    kinds = (pa.int64(), pa.string(), pa.int64())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return pa.table(arrays, names=["a", "b", "c"])


def by_pandas(rows: pa.Table, others: pa.Table) -> dict[str, list[str]]:
    """The same rules in the plainest way."""
    frame, other = (t.to_pandas(types_mapper=pd.ArrowDtype) for t in (rows, others))
    b_and_c = frame[["b", "c"]].notna().all(axis=1)
    failing = {
        "columns.a.nullable": frame["a"].isna(),
        "columns.a.range": frame["a"] < -1,
        "columns.a.unique": frame["a"].notna() & frame["a"].duplicated(keep=False),
        "columns.b.in": frame["b"].notna() & ~frame["b"].isin(["a", "", "x"]),
        "rows.0": frame["a"] > frame["c"],
        "unique.0": b_and_c & frame[b_and_c][["b", "c"]].duplicated(keep=False),
        "references.0": frame["b"].notna() & ~frame["b"].isin(other["b"].dropna()),
    }
    marks = {rule: mark.fillna(False).to_numpy(dtype=bool) for rule, mark in failing.items()}
    return {
        rule: [f"row {place + 1}" for place in np.flatnonzero(mark)]
        for rule, mark in marks.items()
        if mark.any()
    }


@given(rows=ROWS, others=ROWS, cut=st.integers(1, 31), other_cut=st.integers(1, 31))
@settings(max_examples=30, deadline=None)
def test_findings_equal_those_of_a_naive_reading(
    rows: list[Any], others: list[Any], cut: int, other_cut: int
) -> None:
    with TemporaryDirectory() as name, dask.config.set(num_workers=3):
        folder = Path(name)
        source = write(folder, "parquet", "rows", table(rows), cut)
        other = write(folder, "parquet", "others", table(others), other_cut)
        reference = {"columns": ["b"], "source": other}
        document = {**RULES, "source": source, "references": [reference]}
        assert broken(validated(folder, document)) == by_pandas(table(rows), table(others))


@given(
    rows=st.lists(st.integers(0, 40), max_size=120),
    others=st.lists(st.integers(0, 40), max_size=60),
    cut=st.integers(1, 50),
    buckets=st.integers(1, 9),
)
@settings(max_examples=40, deadline=None)
def test_keys_meet_in_any_number_of_buckets(
    rows: list[int], others: list[int], cut: int, buckets: int
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        ours, theirs = pieces(rows, cut, folder, "a"), pieces(others, cut, folder, "b")
        doubled = bucketed(lambda number: repeated(ours, number, buckets, folder), buckets)
        lost = bucketed(lambda number: absent(ours, theirs, number, buckets, folder), buckets)
    assert doubled == sum(rows.count(value) > 1 for value in rows)
    assert lost == sum(value not in others for value in rows)


@given(rows=st.lists(st.integers(0, 5), max_size=60), others=st.lists(st.integers(0, 5)))
@settings(max_examples=40, deadline=None)
def test_keys_whose_first_lanes_meet_are_told_apart(rows: list[int], others: list[int]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        ours = [write_piece(colliding(rows), folder / "ours", 0, 0)]
        theirs = [write_piece(colliding(others), folder / "theirs", 0, 0)]
        doubled = sum(found.rows for found in repeated(ours, 0, 1, folder))
        (folder / "lost").mkdir()
        lost = sum(found.rows for found in absent(ours, theirs, 0, 1, folder / "lost"))
    assert doubled == sum(rows.count(value) > 1 for value in rows)
    assert lost == sum(value not in others for value in rows)


def test_more_keys_make_more_buckets_of_bounded_size() -> None:
    piece = Piece(Path("x"), 0, 0, 1_000_000)
    assert bucket_count([piece], 1 << 30) == 1
    assert bucket_count([piece] * 100, 64 << 20) == 72


def test_a_large_row_group_is_read_in_small_batches(tmp_path: Path) -> None:
    write(tmp_path, "parquet", "big", pa.table({"n": range(100_000)}), rows=100_000)
    opened = open_parquet("big", tmp_path, [tmp_path / "big.parquet"], 1 << 16, 4)
    [part] = opened.partitions
    assert isinstance(part, RowGroups)
    sizes = [batch.table.num_rows for batch in part.batches(["n"])]
    assert (sum(sizes), max(sizes) <= 2048) == (100_000, True)
    assert (
        sum(batch.table.num_rows for batch in replace(part, batch_rows=7).batches(["n"])) == 10**5
    )


def pieces(values: list[int], cut: int, folder: Path, name: str) -> list[Piece]:
    """The values as spooled keys, so many a batch."""
    found = []
    for place, start in enumerate(range(0, len(values), cut)):
        batch = Batch(pa.table({"k": pa.array(values[start : start + cut], pa.int64())}))
        keys, _ = KeySet(("k",)).digests(batch)
        found.append(write_piece(keys, folder / f"{name}{place}", place, 0))
    return found


def bucketed(find: Any, buckets: int) -> int:
    """How many rows fail in all buckets."""
    found: list[FailingKeys] = [each for number in range(buckets) for each in find(number)]
    return sum(each.rows for each in found)


def colliding(values: list[int]) -> Digests:
    """Digests whose first lane is almost always the same."""
    keys = digests([pa.array(values, pa.int64())])
    return Digests(np.array([value % 2 for value in values], np.uint64), keys.second)
