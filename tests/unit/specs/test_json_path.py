"""JSONPath leads to one value, or to a list of them."""

import pytest

from actors.specs.failure import StepFailed
from actors.specs.json_path import find

DATA = {"a": {"b-c": [1, 2, {"d": None}]}, "é": "x", "many": list(range(20_000))}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [DATA]),
        ("$.a['b-c'][1]", [2]),
        ('$["a"]["b-c"][-1].d', [None]),
        ("$.é", ["x"]),
        ("$.none", []),
        ("$.a['b-c'][7]", []),
        ("$.a['b-c'][0:2]", [[1, 2]]),
        ("$.a.*[0]", [[1]]),
        ("$..d", [[None]]),
        ("$.a['b-c'][?@ > 1]", [[2]]),
        ("$.none.*", [[]]),
        ("$['a', 'é']", [[DATA["a"], "x"]]),
    ],
)
def test_path_finds(path: str, found: list[object]) -> None:
    assert find(path, DATA) == found


def test_path_that_finds_far_too_much_is_refused() -> None:
    with pytest.raises(StepFailed, match="more than 10000 values"):
        find("$.many.*", DATA)


def test_deep_value_is_no_trouble() -> None:
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(StepFailed, match="cannot be followed"):
        find("$..x", deep)
