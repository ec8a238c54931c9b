"""Canonical JSON, quick or not, is what RFC 8785 says."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.attempt import Verdict
from harness.events.canonical import Json, canonical

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**54), 2**54)
    | st.floats()
    | st.floats(1e-6, 1e-3)
    | st.floats(1e14, 1e22)
    | st.integers(-100, 100).map(float)
    | st.text(st.characters())
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def outcome(dump: object, value: Json) -> bytes | type[Exception]:
    try:
        return dump(value)  # type: ignore[operator, no-any-return]  # one of two functions
    except rfc8785.CanonicalizationError as error:
        return type(error)


@given(VALUES)
def test_every_value_has_the_bytes_of_the_reference(value: Json) -> None:
    assert outcome(canonical, value) == outcome(rfc8785.dumps, value)


@pytest.mark.parametrize(
    "value",
    [
        *(0.0, -0.0, 1.0, 0.1, 1e-4, 9.9e-5, 1e15, 123456789012345.6, 1e16, 1e21, 5e-324),
        *(2**53 - 1, 2**53, -(2**53)),
        *('\x00\x08\x1f\x7f\u2028"\\/', "\ud800", "é\U0001f600"),
        {"\ue000": 1, "\U0001f600": 2},
        {"b": [True, None], "a": {}},
        {"verdict": Verdict.PASSED, Verdict.FAILED: 1},
    ],
)
def test_borders_have_the_bytes_of_the_reference(value: Json) -> None:
    assert outcome(canonical, value) == outcome(rfc8785.dumps, value)


def test_reading_canonical_bytes_gives_the_value_back() -> None:
    value: Json = {"seconds": 0.0123, "tests": [1, 2], "ok": True, "name": "é"}
    assert json.loads(canonical(value)) == value
