"""What the SDK does while the API is away: a scripted transport, a clock that jumps."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from harness.client.connection import Connection
from harness.client.stream import Stream
from harness.errors import Corrupt, Forbidden, InvalidInput, NotFound, Unavailable
from harness.ports.clock import SystemClock

Act = httpx.Response | type[httpx.TransportError]


def down() -> httpx.Response:
    return httpx.Response(503, text="no server is available")


def problem(status: int, code: str) -> httpx.Response:
    body = {"code": code, "detail": "So it is."}
    headers = {"Content-Type": "application/problem+json"}
    return httpx.Response(status, content=json.dumps(body), headers=headers)


class JumpingClock(SystemClock):
    """Time passes only while somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Api:
    """Does what the script says, the last act forever."""

    script: list[Act]
    asked: list[httpx.Request] = field(default_factory=list)
    clock: JumpingClock = field(default_factory=JumpingClock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(act, httpx.Response):
            return act
        raise act("broken", request=request)

    def connection(self) -> Connection:
        http = httpx.Client(base_url="http://api", transport=httpx.MockTransport(self))
        return Connection(http, clock=self.clock, sleep=self.clock.sleep)


@pytest.mark.parametrize(
    "trouble",
    [
        lambda: httpx.ConnectError,
        lambda: httpx.ReadError,
        lambda: httpx.RemoteProtocolError,
        down,
        lambda: httpx.Response(404, text="no such route"),
        lambda: httpx.Response(502),
        lambda: problem(503, "unavailable"),
        lambda: problem(429, "quota_exceeded"),
    ],
)
def test_call_outlasts_a_restart(trouble: Callable[[], Act]) -> None:
    api = Api([trouble(), trouble(), trouble(), httpx.Response(200, json={"ok": True})])
    assert api.connection().call("GET", "/x").json() == {"ok": True}
    assert len(api.asked) == 4


def test_call_gives_up_at_its_deadline() -> None:
    api = Api([httpx.ConnectError])
    with pytest.raises(Unavailable, match="does not answer"):
        api.connection().call("GET", "/x", seconds=10.0)
    assert 8.0 < api.clock.seconds <= 10.0
    assert len(api.asked) < 15


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(404, "not_found"), NotFound),
        (problem(403, "forbidden"), Forbidden),
        (problem(422, "a_new_code"), InvalidInput),
    ],
)
def test_final_answers_are_not_asked_for_twice(
    answer: httpx.Response, error: type[Exception]
) -> None:
    api = Api([answer])
    with pytest.raises(error):
        api.connection().call("GET", "/x")
    assert len(api.asked) == 1


def frame(seq: int, kind: str = "ath.attempt.finished.v1") -> bytes:
    event = {
        "id": f"e{seq}",
        "type": kind,
        "tenant": "default",
        "project": "default",
        "runid": "r",
        "seq": seq,
        "time": "2026-01-01T00:00:00+00:00",
        "data": {},
        "prevhash": "",
        "hash": "",
    }
    return f"id: {seq}\nevent: {kind}\ndata: {json.dumps(event)}\n\n".encode()


class Broken(httpx.SyncByteStream):
    """Some bytes, then the connection is gone."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts
        raise httpx.ReadError("gone")


def stream_of(api: Api, seconds: float | None = None) -> Stream:
    return Stream(api.connection(), "/events", 0, "finished", seconds)


def test_stream_resumes_without_gap_or_repetition() -> None:
    api = Api(
        [
            httpx.Response(200, stream=Broken(frame(1), frame(2), b"id: 3\ndata: {")),
            httpx.ConnectError,
            down(),
            httpx.Response(200, content=b": here\n\n" + frame(2) + frame(3)),
            httpx.Response(200, content=frame(4, "ath.run.finished.v1") + frame(5)),
        ]
    )
    assert [event.seq for event in stream_of(api)] == [1, 2, 3, 4]
    resumed = [request.headers["Last-Event-ID"] for request in api.asked]
    assert resumed == ["0", "2", "2", "2", "3"]


def test_stream_ends_when_nothing_more_comes() -> None:
    api = Api([httpx.Response(200, content=frame(1)), httpx.Response(204)])
    assert [event.seq for event in stream_of(api)] == [1]


def test_stream_with_a_gap_is_refused() -> None:
    api = Api([httpx.Response(200, content=frame(1) + frame(3))])
    with pytest.raises(Corrupt, match="event 3 where 2 is due"):
        list(stream_of(api))


def test_stream_gives_up_when_the_api_stays_away() -> None:
    api = Api([httpx.Response(200, content=frame(1)), httpx.ConnectError])
    with pytest.raises(Unavailable, match="does not answer"):
        list(stream_of(api))
    assert 50.0 < api.clock.seconds <= 60.0
