"""Which operations become tests."""

import pytest

from actors.specs.failure import StepFailed
from actors.specs.operations.entry import OpenApiTests
from actors.specs.operations.selection import MOST_OPERATIONS, described_operations, selected
from tests.unit.specs.operations.shop import DESCRIPTION

ALL = ["GET /things/{id}", "GET /things", "POST /orders"]


def names(**entry: object) -> list[str]:
    tests = OpenApiTests.model_validate({"schema": "api.json", **entry})
    return [each.name for each in selected(tests, described_operations(DESCRIPTION))]


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({}, ALL),
        ({"include": {"ids": ["read_*", "POST /orders"]}}, [ALL[0], ALL[2]]),
        ({"include": {"ids": ["GET /things/{id}"]}}, [ALL[0]]),
        ({"include": {"paths": ["/things*"], "ids": ["list_*"]}}, [ALL[1]]),
        ({"include": {"tags": ["things"]}, "exclude": {"paths": ["/things"]}}, [ALL[0]]),
        ({"exclude": {"methods": ["GET"]}}, [ALL[2]]),
    ],
)
def test_include_and_exclude_choose(entry: dict[str, object], found: list[str]) -> None:
    assert names(**entry) == found


def test_nothing_left_is_told() -> None:
    with pytest.raises(StepFailed, match="no operation that include and exclude leave"):
        names(include={"ids": ["nothing"]})


def test_path_may_stand_elsewhere_in_the_whole() -> None:
    document = {
        "paths": {"/a": {"$ref": "#/x/~1a~0b"}, "/b": {"$ref": "#/no/where"}, "/c": 1},
        "x": {"/a~b": {"get": {"operationId": "a"}, "parameters": []}},
    }
    assert [each.name for each in described_operations(document)] == ["GET /a"]


def test_too_many_operations_are_refused() -> None:
    paths: dict[str, object] = {f"/{n}": {"get": {}} for n in range(MOST_OPERATIONS + 1)}
    entry = OpenApiTests.model_validate({"schema": "x"})
    with pytest.raises(StepFailed, match="name fewer"):
        selected(entry, described_operations({"paths": paths}))
