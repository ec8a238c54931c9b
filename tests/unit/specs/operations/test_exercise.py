"""Mistakes of an API are found, told the same each time, and nothing is left to chance."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actors.specs.failure import StepFailed
from actors.specs.operations.description import found_operation, openapi_description
from actors.specs.operations.entry import OpenApiTests
from actors.specs.operations.exercise import Exercise
from actors.specs.operations.findings import Findings
from actors.specs.operations.isolation import isolated
from actors.specs.operations.selection import Operation
from tests.unit.specs.operations.shop import DESCRIPTION, Shop, shop
from tests.unit.specs.world import a_step, a_test, reply, server


def tried(
    name: str,
    address: str,
    folder: Path,
    *,
    description: dict[str, Any] = DESCRIPTION,
    allow: list[str] | None = None,
    base_url: str = "",
    seconds: float = 60,
    request_seconds: float = 10,
    **entry: object,
) -> tuple[Findings, list[dict[str, object]]]:
    tests = OpenApiTests.model_validate({"schema": "x", "examples": 30, **entry})
    context = a_step(a_test(folder, base_url or address, allow=allow), seconds)
    findings = Findings(name)
    method, _, path = name.partition(" ")
    with isolated():
        opened = openapi_description(tests, json.loads(json.dumps(description)))
        operation = found_operation(opened, Operation(name, path, method.lower()))
        opened.door.open(context, request_seconds)
        Exercise(operation, f"{address}/", {}, context, findings).run(tests.phases)
    return findings, context.test.recorder.plain()


def test_server_error_is_found_with_a_request_that_shows_it(tmp_path: Path) -> None:
    with shop() as api:
        findings, steps = tried("POST /orders", api.address, tmp_path)
    assert findings.message == (
        "POST /orders: 2 checks failed: not_a_server_error: Server error (500); "
        "status_code_conformance: Undocumented status code (500)"
    )
    detail = findings.found["not_a_server_error: Server error (500)"].detail
    assert "curl -X POST" in detail
    assert re.search(r'"count": \d{3,4}', detail)
    assert '500 {"told": "too many"}' in detail
    assert [step["name"] for step in steps] == ["examples", "coverage", "fuzzing"]
    assert steps[1]["outcome"] == "failed"
    assert "gave 500" in str(steps[1]["detail"])


def test_answer_that_breaks_its_description_is_found(tmp_path: Path) -> None:
    with shop() as api:
        findings, _ = tried("GET /things", api.address, tmp_path)
    assert findings.message == (
        "GET /things: 1 check failed: response_schema_conformance: Response violates schema"
    )


def test_good_operation_has_no_findings(tmp_path: Path) -> None:
    with shop() as api:
        findings, steps = tried("GET /things/{id}", api.address, tmp_path)
    assert findings.found == {}
    assert all(step["outcome"] == "passed" for step in steps)


@pytest.mark.long
def test_other_seed_gives_the_same_failure_text(tmp_path: Path) -> None:
    with shop() as api:
        texts = {
            tried("POST /orders", api.address, tmp_path, seed=seed)[0].message for seed in (1, 2)
        }
    assert len(texts) == 1


def test_only_the_phases_and_checks_asked_for(tmp_path: Path) -> None:
    with shop() as api:
        findings, steps = tried(
            "GET /things",
            api.address,
            tmp_path,
            phases=["coverage"],
            checks=["not_a_server_error"],
        )
    assert findings.found == {}
    assert [step["name"] for step in steps] == ["coverage"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "the server gave no answer: Server disconnected"),
        (reply(b"x", "200 OK", "Content-Encoding: br"), "encoded as 'br'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1", "the server gave no answer: not whole"),
    ],
)
def test_server_that_does_not_answer_ends_it(answer: bytes, told: str, tmp_path: Path) -> None:
    def bad(connection: Any, request: bytes) -> None:
        connection.sendall(answer)
        if not answer:
            connection.close()

    with server(bad) as address, pytest.raises(StepFailed, match=told):
        tried("GET /things", address, tmp_path, request_seconds=0.3)


def test_time_for_the_operation_ends_it(tmp_path: Path) -> None:
    with shop() as api, pytest.raises(StepFailed, match="did not end within its time"):
        tried("GET /things/{id}", api.address, tmp_path, seconds=0.05, examples=10_000)


def test_redirect_to_another_host_is_not_followed(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def elsewhere(connection: Any, request: bytes) -> None:
        asked.append(request)
        connection.sendall(reply(b"{}"))

    with server(elsewhere) as other:

        def redirecting(connection: Any, request: bytes) -> None:
            connection.sendall(reply(b"", "302 Found", f"Location: {other}/"))

        with server(redirecting) as address:
            findings, _ = tried("GET /things", address, tmp_path, phases=["coverage"])
    assert asked == []
    assert findings.message.endswith("status_code_conformance: Undocumented status code (302)")


def test_host_off_the_list_is_not_asked(tmp_path: Path) -> None:
    with shop() as api:
        with pytest.raises(StepFailed, match="is not allowed"):
            tried("GET /things", api.address, tmp_path, base_url="http://127.0.0.1:1", allow=[])
        assert api.asked == []


def test_recursive_description_is_tried(tmp_path: Path) -> None:
    tree: dict[str, Any] = {
        "type": "object",
        "properties": {
            "count": {"type": "integer"},
            "inner": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
        },
    }
    description = json.loads(json.dumps(DESCRIPTION))
    description["components"]["schemas"]["Tree"] = tree
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}
    description["paths"]["/orders"]["post"]["requestBody"]["content"] = content
    with shop() as api:
        _, steps = tried("POST /orders", api.address, tmp_path, description=description)
    assert [step["name"] for step in steps] == ["examples", "coverage", "fuzzing"]


@pytest.mark.parametrize(
    "changed",
    [
        {"parameters": [{"$ref": "#/components/parameters/None"}]},
        {"parameters": 7},
    ],
)
def test_unsound_operation_is_told(changed: dict[str, Any], tmp_path: Path) -> None:
    description = json.loads(json.dumps(DESCRIPTION))
    description["paths"]["/things"]["get"].update(changed)
    with shop() as api, pytest.raises(StepFailed, match="its description"):
        tried("GET /things", api.address, tmp_path, description=description)


def requests_of(api: Shop) -> list[Any]:
    return [
        (method, path, [pair for pair in headers if pair[0] != "Host"], body)
        for method, path, headers, body in api.asked
    ]


ASKING = """\
import sys
from pathlib import Path
{before}
from tests.unit.specs.operations.test_exercise import tried
for name in sys.argv[2:]:
    tried(name, sys.argv[1], Path("."), seed=5)
"""


@pytest.mark.process
@pytest.mark.long
@pytest.mark.timeout(180)
def test_one_seed_makes_the_same_requests(tmp_path: Path) -> None:
    """In processes with another hash seed, other modules and other operations before."""
    (tmp_path / "own.py").write_text("NAMES = ['a constant of the suite', 123456789, 4.25]\n")
    root = Path(__file__).parents[4]
    seen = []
    for hash_seed, before, names in (
        ("1", "", ["POST /orders"]),
        ("2", "import own", ["GET /things", "POST /orders"]),
    ):
        with shop() as api:
            subprocess.run(
                [sys.executable, "-c", ASKING.format(before=before), api.address, *names],
                cwd=tmp_path,
                env={"PYTHONPATH": f"{root}:{tmp_path}", "PYTHONHASHSEED": hash_seed},
                check=True,
            )
            seen.append([each for each in requests_of(api) if each[1].startswith("/orders")])
    assert len(seen[0]) > 50
    assert seen[0] == seen[1]
