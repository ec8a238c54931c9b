"""Equal keys have equal digests, whatever their width, place and type."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.data.hashing import digests, family

PAIRS = [
    (pa.array([1, 2, None], pa.int8()), pa.array([1, 2, None], pa.uint64())),
    (pa.array([3, -4, None], pa.int32()), pa.array([3.0, -4.0, None], pa.float64())),
    (pa.array([0.5, None], pa.float32()), pa.array([0.5, None], pa.float64())),
    (pa.array(["a", None, "é"]), pa.array(["a", None, "é"], pa.large_string())),
    (pa.array([date(2026, 1, 1)], pa.date32()), pa.array([date(2026, 1, 1)], pa.date64())),
    (
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("s", "UTC")),
    ),
    (pa.array([Decimal("1.50")]), pa.array([Decimal("1.50")], pa.decimal256(40, 2))),
    (pa.array([True, False]), pa.array([1, 0])),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_equal_values_of_other_types_have_one_digest(one: pa.Array, other: pa.Array) -> None:
    ours, theirs = digests([one]), digests([other])
    assert (ours.first == theirs.first).all()
    assert (ours.second == theirs.second).all()


@given(st.lists(st.one_of(st.none(), st.text(max_size=20), st.just("y" * 256)), unique=True))
@settings(deadline=None)
def test_different_texts_differ_in_both_lanes(texts: list[str | None]) -> None:
    found = digests([pa.array(texts, pa.string())])
    assert len(set(found.first.tolist())) == len(set(found.second.tolist())) == len(texts)


@given(
    st.lists(st.tuples(st.text(max_size=9), st.integers(-(2**63), 2**63 - 1))),
    st.integers(0, 5),
)
@settings(deadline=None)
def test_a_slice_has_the_digests_of_its_rows(rows: list[tuple[str, int]], start: int) -> None:
    texts, numbers = (
        pa.array([t for t, _ in rows], pa.string()),
        pa.array([n for _, n in rows], "int64"),
    )
    whole = digests([texts, numbers])
    part = digests([texts.slice(start), numbers.slice(start)])
    assert whole.first[start:].tolist() == part.first.tolist()


def test_parts_of_a_key_are_not_run_together() -> None:
    found = digests([pa.array(["ab", "a", None]), pa.array(["c", "bc", "abc"])])
    assert len(set(found.first.tolist())) == 3


@pytest.mark.parametrize(
    ("kind", "name"),
    [(pa.int8(), "number"), (pa.float64(), "number"), (pa.string(), "text"), (pa.null(), "null")],
)
def test_types_that_can_be_equal_are_one_family(kind: pa.DataType, name: str) -> None:
    assert family(kind) == name
