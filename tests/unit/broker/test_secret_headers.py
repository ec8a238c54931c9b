"""Secrets that the door puts into requests, and that no sandbox ever sees."""

import asyncio
import base64
import json
import ssl
from collections.abc import Sequence
from urllib.parse import quote

import httpx
import pytest

from actors.broker.authority import Authority
from actors.broker.secret_headers import SecretHeaders
from harness.domain.decision import Denial
from harness.domain.host_name import Endpoint
from harness.domain.host_rule import HostRule
from harness.domain.http_secret import HttpSecret
from harness.domain.network_policy import NetworkPolicy
from harness.domain.redacted_flow import RedactedFlow
from harness.domain.redaction import Redactor
from harness.errors import InvalidInput
from harness.ports.clock import SystemClock
from tests.unit.broker.door import Door, door, host, rule

CANARY = "c4n4ry/+\"'?&Secret-Value"
NOTE = "\u2039secret TOKEN\u203a".encode()
GIVEN = {"TOKEN": CANARY}
GET = b"GET http://%s/ HTTP/1.1\r\nHost: x\r\n"
FORMS = [
    CANARY,
    quote(CANARY, safe=""),
    base64.b64encode(CANARY.encode()).decode(),
    base64.urlsafe_b64encode(b"xy" + CANARY.encode()).decode(),
    CANARY.encode().hex(),
    json.dumps(CANARY),
]


def secret(
    value: str = "Bearer ${TOKEN}", header: str = "Authorization", **more: object
) -> HttpSecret:
    return HttpSecret.of(rule(**more), header, value)  # type: ignore[arg-type]  # as `rule` takes


def told(way: Door) -> str:
    """Everything that is reported."""
    return repr((way.notes.decisions, way.notes.ends))


def holds(found: bytes) -> bool:
    return any(form.strip('"').encode() in found for form in FORMS)


async def test_a_secret_is_put_in_and_what_was_sent_in_its_place_is_dropped() -> None:
    async with host() as app, door(secrets=[secret()], values=GIVEN) as way:
        own = b"AUTHORIZATION: mine\r\nAccept-Encoding: br\r\nRange: bytes=0-3\r\n\r\n"
        answer = await way.say(GET % app.at + own)
    (head,) = app.heads
    assert f"\r\nAuthorization: Bearer {CANARY}\r\n".encode() in head
    assert b"mine" not in head
    assert b"\r\nAccept-Encoding: identity\r\n" in head
    assert b"range" not in head.lower()
    assert b"200 OK" in answer
    assert CANARY not in told(way)


async def test_a_secret_goes_to_its_hosts_ports_and_methods_alone() -> None:
    async with host() as app, host() as other:
        rules = [rule(), rule("b.example")]
        only = secret(ports=[app.port], methods=["GET"])
        names = {"b.example": ["127.0.0.1"]}
        async with door(*rules, names=names, secrets=[only], values=GIVEN) as way:
            for to in (app.at, other.at, b"b.example:%d" % app.port):
                await way.say(GET % to + b"\r\n")
            await way.say(b"DELETE http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n" % app.at)
    assert [CANARY.encode() in head for head in app.heads] == [True, False, False]
    assert [CANARY.encode() in head for head in other.heads] == [False]


async def test_https_with_a_secret_is_read_and_never_a_tunnel() -> None:
    theirs = Authority(SystemClock())
    trusted = ssl.create_default_context(cadata=theirs.pem)
    async with host(echo(FORMS), tls=theirs.context("app.example")) as app:
        async with (
            door(upstream_tls=trusted, reads=True, secrets=[secret()], values=GIVEN) as way,
            _client(way) as client,
        ):
            answer = await client.get(f"https://{app.at.decode()}/")
        async with door(secrets=[secret()], values=GIVEN) as blind:
            await blind.say(b"CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n" % app.at)
    assert CANARY.encode() in app.heads[0]
    assert not holds(answer.content)
    assert answer.content.count(NOTE) == len(FORMS)
    assert blind.notes.denials == [Denial.UNREADABLE]
    assert len(app.heads) == 1


def echo(words: Sequence[str]) -> bytes:
    body = "\n".join(words).encode()
    head = b"HTTP/1.1 200 OK\r\nX-Echo: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (words[0].encode(), len(body)) + body


async def test_no_form_of_a_secret_comes_back() -> None:
    async with host(echo(FORMS)) as app, door(secrets=[secret()], values=GIVEN) as way:
        answer = await way.say(GET % app.at + b"\r\n")
    assert not holds(answer)
    assert b"X-Echo: " + NOTE in answer
    assert answer.count(NOTE) == len(FORMS) + 1


@pytest.mark.parametrize("size", [1, 7])
async def test_a_secret_that_comes_in_pieces_is_found(size: int) -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        data = ("a" * 100 + CANARY + "b" * 100).encode()
        for begin in range(0, len(data), size):
            writer.write(data[begin : begin + size])
            await writer.drain()
        writer.close()

    async with (
        host(serve=trickle) as app,
        door(secrets=[secret()], values=GIVEN) as way,
        _client(way) as client,
    ):
        answer = await client.get(f"http://{app.at.decode()}/")
    assert answer.content == b"a" * 100 + NOTE + b"b" * 100


async def test_lines_are_passed_on_as_they_come() -> None:
    heard = asyncio.Event()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await heard.wait()
        writer.close()

    async with host(serve=stream) as app, door(secrets=[secret()], values=GIVEN) as way:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        writer.write(GET % app.at + b"\r\n")
        async with asyncio.timeout(5):
            await reader.readuntil(b"data: 1\n\n")
        heard.set()
        writer.close()


def test_what_is_held_back_depends_on_no_secret() -> None:
    redactor = Redactor.of(GIVEN)
    guesses = [f"x{CANARY[:length]}" for length in range(1, len(CANARY))]
    for guess in guesses:
        warm, cold = RedactedFlow(redactor), RedactedFlow(redactor)
        stranger = "x" + "z" * (len(guess) - 1)
        for end in ("", "y" * 200, "\n", "..."):
            one, two = (
                flow.take((text + end).encode()) for flow, text in ((warm, guess), (cold, stranger))
            )
            assert len(one) == len(two)
        assert b"secret" not in one
        assert len(warm.rest()) == len(cold.rest())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nBroken " + CANARY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 2" + CANARY.encode() + b"\r\n\r\n",
    ],
)
async def test_an_answer_that_cannot_be_searched_is_not_passed_on(answer: bytes) -> None:
    async with host(answer) as app, door(secrets=[secret()], values=GIVEN) as way:
        got = await way.say(GET % app.at + b"\r\n")
    assert got.startswith(b"HTTP/1.1 502")
    assert not holds(got)
    assert CANARY not in told(way)


async def test_a_secret_that_was_not_given_refuses_the_request() -> None:
    async with host() as app, door(secrets=[secret()]) as way:
        answer = await way.say(GET % app.at + b"\r\n")
    assert app.heads == []
    assert way.notes.denials == [Denial.SECRET]
    assert b"Ath-Denied: secret" in answer


async def test_documents_that_want_different_secrets_get_none() -> None:
    others = [secret(), secret("Basic ${OTHER}")]
    values = {**GIVEN, "OTHER": "other-canary"}
    async with host() as app, door(secrets=others, values=values) as way:
        await way.say(GET % app.at + b"Authorization: mine\r\n\r\n")
    assert b"uthorization" not in app.heads[0]


async def test_a_redirect_takes_no_secret_along() -> None:
    async with host() as other:
        away = (
            b"HTTP/1.1 302 Found\r\nLocation: http://b.example:%d/?%s\r\nContent-Length: 0\r\n\r\n"
        )
        target = away % (other.port, quote(CANARY).encode())
        names = {"b.example": ["127.0.0.1"]}
        rules = [rule(), rule("b.example")]
        async with (
            host(target) as app,
            door(*rules, names=names, secrets=[secret()], values=GIVEN) as way,
            _client(way) as client,
        ):
            await client.get(f"http://{app.at.decode()}/", follow_redirects=True)
    assert CANARY.encode() in app.heads[0]
    assert len(other.heads) == 1
    assert not holds(other.heads[0])


@pytest.mark.parametrize("value", ["two\nlines", " begins", "tab\tin", "ümlaut", "a\r\nX: y"])
def test_a_value_that_no_header_can_hold_is_not_taken(value: str) -> None:
    network = NetworkPolicy.allowing([rule()], [secret()])
    with pytest.raises(InvalidInput, match="TOKEN") as refused:
        SecretHeaders.of(network, {"TOKEN": value})
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("header", "value", "hosts"),
    [
        ("Host", "${TOKEN}", "a.example"),
        ("Content-Length", "${TOKEN}", "a.example"),
        ("Proxy-Authorization", "${TOKEN}", "a.example"),
        ("X y", "${TOKEN}", "a.example"),
        ("X-Key", "no secret", "a.example"),
        ("X-Key", "${TOKEN}\r\nX: y", "a.example"),
        ("X-Key", "${not a name}", "a.example"),
        ("X-Key", "${TOKEN}", "*"),
    ],
)
def test_what_is_no_secret_of_a_request_is_refused(header: str, value: str, hosts: str) -> None:
    with pytest.raises(InvalidInput):
        HttpSecret.of(HostRule.naming(hosts), header, value)


def test_nothing_shows_a_value() -> None:
    found = SecretHeaders.of(NetworkPolicy.allowing([rule()], [secret()]), GIVEN)
    assert CANARY not in repr(found)
    assert found.missing(Endpoint("app.example", 80), "GET") == []


def _client(way: Door) -> httpx.AsyncClient:
    proxy = f"http://127.0.0.1:{way.port}"
    own = ssl.create_default_context(cadata=way.authority.pem) if way.authority else True
    return httpx.AsyncClient(proxy=proxy, trust_env=False, verify=own, timeout=5)
