"""Descriptions are bounded, whoever wrote them."""

import json
import time

import pytest

from actors.specs.failure import StepFailed
from actors.specs.operations.document import MOST_BYTES, MOST_YAML_BYTES, read_api_document

BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


def test_json_and_yaml_hold_the_same() -> None:
    text = "openapi: 3.1.0\npaths: {/no: {on: 2026-01-01, get: {responses: {200: {}}}}}\n"
    found = read_api_document("api.yaml", text.encode())
    again = read_api_document("api.json", json.dumps(found).encode())
    assert json.dumps(again) == json.dumps(found)
    assert found["paths"] == {"/no": {"on": "2026-01-01", "get": {"responses": {200: {}}}}}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"{" + b" " * MOST_BYTES + b"}", "more than 10 MiB"),
        (b"a: b\n" + b"#" * MOST_YAML_BYTES, "YAML of more than 2 MiB; give it as JSON"),
        (BOMB.encode(), "more than 1000000 values"),
        (b"a: &a [*a]", "alias of what it lies in"),
        (b"[" * 300 + b"]" * 300, "holds no object"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "neither JSON nor YAML"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "nested deeper than 100 levels"),
        (b"- 1", "holds no object"),
        (b"{", "neither JSON nor YAML"),
        (b"!!python/object/apply:os.system [ls]", "neither JSON nor YAML"),
    ],
)
def test_hostile_description_is_refused_soon(data: bytes, told: str) -> None:
    begun = time.monotonic()
    with pytest.raises(StepFailed, match=told):
        read_api_document("api", data)
    assert time.monotonic() - begun < 20
