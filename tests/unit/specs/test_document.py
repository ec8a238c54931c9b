"""YAML is read with places, and bounded."""

from collections.abc import Sequence

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.specs.document import MOST_BYTES, read_document
from actors.specs.loader import load
from actors.specs.problem import InvalidSpec, Problem


def refused(data: bytes) -> str:
    with pytest.raises(InvalidSpec) as caught:
        read_document("a.ath.yaml", data)
    return str(caught.value)


def test_values_are_those_of_yaml_1_2() -> None:
    text = b"[no, yes, on, 12:30, 2026-01-01, 0o17, 0x1F, 1e3, .5, -7, true, ~, '1', !!str 2, '']"
    assert read_document("f", text).value == [
        "no", "yes", "on", "12:30", "2026-01-01", 15, 31, 1000.0, 0.5, -7, True, None, "1", "2", "",
    ]  # fmt: skip


def test_place_of_a_key_and_of_an_item_is_known() -> None:
    document = read_document("f", b"tests:\n  - id: a\n  - {id: b}\n")
    assert document.places[("tests", 1)] == (3, 5)
    assert document.places[("tests", 1, "id")] == (3, 6)


def test_alias_stands_for_what_was_before() -> None:
    assert read_document("f", b"a: &x [1, 2]\nb: *x").value == {"a": [1, 2], "b": [1, 2]}


def test_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "more than 50000 values" in refused("\n".join(lines).encode())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[" * 100_000, "nest"),  # which of two limits is met first depends on libyaml
        (b"[" * 500, "nested deeper"),
        (b"{a: " * 500, "nested deeper"),
        (b"a: 1\n" + b"# " * MOST_BYTES, "bytes"),
        (b"a: &x [*x]", "stands for nothing"),
        (b"a: 1\nb: 2\na: 3", "f:3:1: a: the key is there twice"),
        (b"a: 1\n---\nb: 2", "more than one document"),
        (b"? [1]\n: 2", "a key must be a text"),
        (b"a: [", "no YAML"),
        (b"a: \xff", "not UTF-8"),
        (b"a: \x00", "no YAML"),
    ],
)
def test_file_that_is_no_spec_is_refused(data: bytes, told: str) -> None:
    assert told.removeprefix("f") in refused(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
SPECLIKE = st.dictionaries(
    st.sampled_from(["suite", "tests", "steps", "id", "api", "request", "matrix", "use", "x"]), JSON
)


def problems_of(data: bytes) -> Sequence[Problem]:
    try:
        load("f", data)
    except InvalidSpec as wrong:
        return wrong.problems or [Problem("f", 0, 0, "", "")]
    return ()


@settings(deadline=None)  # the machine may be busy
@given(st.binary() | st.text().map(str.encode) | JSON.map(lambda value: repr(value).encode()))
def test_any_bytes_give_a_spec_or_our_error(data: bytes) -> None:
    assert all(problem.line > 0 and problem.message for problem in problems_of(data))


@settings(deadline=None)
@given(st.builds(lambda spec, test: {**spec, "tests": [test]}, SPECLIKE, SPECLIKE | JSON))
def test_anything_that_looks_like_a_spec_gives_a_spec_or_our_error(value: object) -> None:
    data = yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace")
    assert all(problem.line > 0 and problem.message for problem in problems_of(data))
