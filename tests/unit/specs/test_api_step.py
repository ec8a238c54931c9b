"""Requests are sent, and whatever a server answers ends in a clear verdict."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from socket import socket
from threading import Event
from typing import Any

import pytest

from actors.specs.budget import Budget
from actors.specs.failure import StepFailed
from actors.specs.http import MOST_BYTES
from actors.specs.steps.api import ApiStep, run
from tests.unit.specs.world import a_step, a_test, reply, server

NEVER = Event()


def always(answer: bytes) -> Callable[[socket, bytes], None]:
    return lambda connection, _: connection.sendall(answer)


def echo(connection: socket, request: bytes) -> None:
    """Says what was asked, as JSON."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines[1:])
    headers = {name.lower(): value for name, value in pairs}
    told = {"line": lines[0], "headers": headers, "body": body.decode()}
    connection.sendall(reply(json.dumps(told).encode(), "200 OK", "X-Id: 7"))


def trickle(head: bytes) -> Callable[[socket, bytes], None]:
    """Sends a byte now and then, for ever."""

    def answer(connection: socket, _: bytes) -> None:
        connection.sendall(head)
        while not NEVER.wait(0.05):
            connection.sendall(b"x")

    return answer


def told(
    step: dict[str, Any], folder: Path, base_url: str, seconds: float = 20, **test: Any
) -> str:
    with pytest.raises(StepFailed) as caught:
        run(ApiStep.model_validate(step), a_step(a_test(folder, base_url, **test), seconds))
    return str(caught.value)


def test_request_is_sent_as_written(tmp_path: Path) -> None:
    step = {
        "request": "POST /orders?page=1",
        "query": {"size": 5, "tag": ["a", "b"]},
        "headers": {"X-Trace": "t"},
        "auth": {"basic": ["ann", "pw"]},
        "json": {"n": 1},
        "expect": {
            "status": [200, 201],
            "headers": {"X-Id": "7"},
            "json": {
                "$.line": "POST /orders?page=1&size=5&tag=a&tag=b HTTP/1.1",
                "$.headers['x-trace']": "t",
                "$.headers.authorization": "Basic YW5uOnB3",
                "$.body": '{"n": 1}',
            },
        },
        "save": {"id": {"header": "X-Id"}, "kind": "$.headers['content-type']"},
    }
    with server(echo) as base_url:
        test = a_test(tmp_path, base_url)
        run(ApiStep.model_validate(step), a_step(test, step_id="ask"))
    assert test.values == {"id": "7", "kind": "application/json"}
    assert test.saved == {"ask": test.values}


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"form": {"a": "1 2"}}, "a=1+2"),
        ({"body": "raw"}, "raw"),
        ({"file": "order.txt"}, "from a file"),
        ({"json": None}, "null"),
    ],
)
def test_body_is_sent(body: dict[str, Any], sent: str, tmp_path: Path) -> None:
    (tmp_path / "order.txt").write_text("from a file")
    step = {"request": "PUT /", **body, "expect": {"json": {"$.body": sent}}}
    with server(echo) as base_url:
        run(ApiStep.model_validate(step), a_step(a_test(tmp_path, base_url)))


def test_every_mismatch_is_told_at_once(tmp_path: Path) -> None:
    expect = {
        "headers": {"X-Id": "8", "X-No": {"exists": True}},
        "json": {"$.body": {"length": 3}, "$.none": 1, "$..headers": {"exists": True}},
        "schema": {"required": ["price"]},
    }
    with server(echo) as base_url:
        found = told({"request": "GET /", "expect": expect}, tmp_path, base_url)
    assert found == (
        'header X-Id is "7", expected "8"; '
        'header X-No does not exist; $.body is "", expected length 3; $.none does not exist; '
        "$ breaks the schema: 'price' is a required property"
    )


def test_connection_is_reused(tmp_path: Path) -> None:
    connections = set()

    def answer(connection: socket, request: bytes) -> None:
        connections.add(connection.fileno())
        echo(connection, request)

    with server(answer) as base_url:
        test = a_test(tmp_path, base_url)
        for _ in range(5):
            run(ApiStep(request="GET /"), a_step(test))
    assert len(connections) == 1


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
        b"",
    ],
    ids=["body", "header", "chunk", "status"],
)
def test_server_that_trickles_gets_a_verdict_in_time(head: bytes, tmp_path: Path) -> None:
    with server(trickle(head)) as base_url:
        found = told({"request": "GET /"}, tmp_path, base_url, seconds=0.5)
    assert f"GET {base_url}/ was not answered whole within 0." in found


def test_server_that_says_nothing_gets_a_verdict_in_time(tmp_path: Path) -> None:
    with server(lambda *_: None) as base_url:
        assert "not answered whole" in told({"request": "GET /"}, tmp_path, base_url, seconds=0.3)


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"x" * (MOST_BYTES + 1)),
        reply(gzip.compress(bytes(10 * MOST_BYTES)), "200 OK", "Content-Encoding: gzip"),
    ],
    ids=["long", "packed"],
)
def test_answer_of_any_size_is_bounded(answer: bytes, tmp_path: Path) -> None:
    with server(always(answer)) as base_url:
        assert "more than 10 MiB" in told({"request": "GET /"}, tmp_path, base_url)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply(b"x", "200 OK", "Content-Encoding: gzip, gzip"), "is encoded as 'gzip, gzip'"),
        (reply(b"x", "200 OK", "Content-Encoding: gzip"), "cannot be unpacked"),
        (b"SMTP ready\r\n\r\n", "got no answer"),
        (reply(b"[" * 100_000), "nested too deep"),
        (reply(b"nothing"), "there is no JSON"),
        (reply(b"", "500 Oops"), "status is 500, expected below 400"),
    ],
)
def test_strange_answer_gets_a_verdict(answer: bytes, message: str, tmp_path: Path) -> None:
    step = {"request": "GET /", "expect": {"json": {"$.a": 1}}}
    with server(always(answer)) as base_url:
        assert message in told(step, tmp_path, base_url)


def test_redirect_is_told_and_followed_only_if_asked(tmp_path: Path) -> None:
    def answer(connection: socket, request: bytes) -> None:
        moved = reply(b"", "302 Found", "Location: /new")
        connection.sendall(moved if request.startswith(b"GET /old") else reply(b"here"))

    step = {"request": "GET /old", "expect": {"status": 200, "text": "here"}}
    with server(answer) as base_url:
        assert "it leads to /new; `follow: true` follows" in told(step, tmp_path, base_url)
        run(ApiStep.model_validate({**step, "follow": True}), a_step(a_test(tmp_path, base_url)))


def test_redirect_to_a_host_that_is_not_allowed_is_refused(tmp_path: Path) -> None:
    asked = []

    def elsewhere(connection: socket, request: bytes) -> None:
        asked.append(request)
        connection.sendall(reply(b""))

    def away(connection: socket, _: bytes) -> None:
        connection.sendall(reply(b"", "302 Found", f"Location: {other}/"))

    with server(elsewhere) as other, server(away) as base_url:
        step = {"request": "GET /", "follow": True}
        found = told(step, tmp_path, base_url, allow=["example.org"])
    assert "is not allowed: the spec's `allow` names example.org" in found
    assert asked == []


def test_endless_redirects_end(tmp_path: Path) -> None:
    with server(always(reply(b"", "302 Found", "Location: /"))) as base_url:
        step = {"request": "GET /", "follow": True}
        assert "more than 10 times" in told(step, tmp_path, base_url)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("GET /", "needs a base_url"),
        ("GET http://127.0.0.1:1/", "got no answer"),
        ("GET http://a:b/", "cannot be sent"),
        ("GET ftp://127.0.0.1/", "got no answer"),
    ],
)
def test_request_that_cannot_be_sent_is_told(request_: str, message: str, tmp_path: Path) -> None:
    assert message in told({"request": request_}, tmp_path, "")


def test_budget_of_bytes_ends_a_test(tmp_path: Path) -> None:
    with server(always(reply(b"x" * 2000))) as base_url:
        found = told({"request": "GET /"}, tmp_path, base_url, budget=Budget(bytes=1000))
    assert found == "the test's budget of 1000 bytes is spent"


def test_file_outside_the_suite_is_not_sent(tmp_path: Path) -> None:
    step = {"request": "POST /", "file": "../../etc/passwd"}
    assert "lies outside the suite's folder" in told(step, tmp_path, "http://127.0.0.1:1")


def test_schema_fetches_nothing(tmp_path: Path) -> None:
    with server(echo) as base_url:
        schema = {"$ref": f"{base_url}/schema.json"}
        step = {"request": "GET /", "expect": {"schema": schema}}
        assert "refers to what is not in it" in told(step, tmp_path, base_url)
