"""What the egress proxy carries, refuses and reports."""

import asyncio
import base64
import contextlib
import socket
import ssl

import httpx
import pytest

from actors.broker.authority import Authority
from actors.broker.bounds import EgressBounds
from harness.domain.account import Budget, Measure
from harness.domain.decision import Denial
from harness.domain.host_name import Endpoint
from harness.ports.clock import SystemClock
from tests.unit.broker.door import OK, door, host, rule

GET = b"GET http://%s/a?b=c HTTP/1.1\r\nHost: other.example\r\n\r\n"
POST = b"POST http://%s/ HTTP/1.1\r\nHost: x\r\n"
CONNECT = b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n"


async def test_a_request_goes_to_the_host_of_its_target() -> None:
    async with host() as app, door() as way:
        answer = await way.say(GET % app.at)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"hi")
    (head,) = app.heads
    assert head.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: %s\r\n" % app.at)
    assert b"other.example" not in head
    (decided,), (ended,) = way.notes.decisions, way.notes.ends
    assert (decided.host, decided.method, decided.address) == ("app.example", "GET", "127.0.0.1")
    assert (ended.status, ended.bytes_in, ended.why) == (200, len(OK), "")


async def test_headers_of_one_connection_are_not_passed_on() -> None:
    private = (
        b"Connection: keep-alive, X-Secret\r\nX-Secret: a\r\nProxy-Authorization: Basic eDp5\r\n"
        b"Upgrade: websocket\r\nTE: trailers\r\nKeep: b\r\n\r\n"
    )
    async with host() as app, door() as way:
        await way.say(b"GET http://%s/ HTTP/1.1\r\nHost: x\r\n" % app.at + private)
    head = app.heads[0].lower()
    assert b"keep: b" in head
    for name in (b"x-secret", b"proxy-auth", b"upgrade", b"\r\nte:", b"keep-alive"):
        assert name not in head


async def test_one_connection_serves_requests_one_after_the_other() -> None:
    async with host() as app, door() as way:
        answer = await way.say(GET % app.at + GET % app.at)
    assert answer.count(b"200 OK") == len(app.heads) == 2


async def test_bodies_pass_both_ways_in_chunks() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        writer.close()

    async with host(serve=echo) as app, door() as way:
        sent = POST % app.at + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        answer = await way.say(sent)
    assert b"abc" in answer
    assert b"de" in answer


async def test_events_are_passed_on_as_they_come() -> None:
    heard = asyncio.Event()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await heard.wait()
        writer.close()

    async with host(serve=stream) as app, door() as way:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        writer.write(GET % app.at)
        async with asyncio.timeout(5):
            await reader.readuntil(b"data: 1\n\n")
            heard.set()
            await reader.readuntil(b"0\r\n\r\n")
        writer.close()


@pytest.mark.parametrize(
    ("target", "denial"),
    [
        (b"b.example:%d", Denial.HOST),
        (b"app.example:1", Denial.PORT),
        (b"x.app.example:%d", Denial.HOST),
        (b"127.0.0.1:%d", Denial.HOST),
        (b"0x7f.1:%d", Denial.MALFORMED),
        (b"2130706433:%d", Denial.MALFORMED),
        (b"app.example@127.0.0.1:%d", Denial.MALFORMED),
        (b"user:app.example@b.example:%d", Denial.MALFORMED),
        (b"app.example%%00.b.example:%d", Denial.MALFORMED),
        (b"app.example\\@b.example:%d", Denial.MALFORMED),
    ],
)
async def test_other_hosts_are_refused(target: bytes, denial: Denial) -> None:
    async with host() as app:
        named = target.replace(b"%%", b"%").replace(b"%d", b"%d" % app.port)
        async with door(rule(ports=[app.port])) as way:
            plain = await way.say(GET % named)
            tunnel = await way.say(CONNECT % (named, named))
    assert app.heads == []
    assert way.notes.denials == [denial] * 2
    for answer in (plain, tunnel):
        assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400"))
        assert b"Ath-Denied: " + denial.encode() in answer


@pytest.mark.parametrize("name", [b"APP.EXAMPLE", b"app.example.", b"App.Example."])
async def test_an_allowed_host_is_known_in_every_form(name: bytes) -> None:
    async with host() as app, door() as way:
        assert b"200 OK" in await way.say(GET % (b"%s:%d" % (name, app.port)))


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"], ["::1"], ["0.0.0.0"]],
)
async def test_a_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    inner = rule("evil.example")
    outer = type(inner)(inner.hosts, inner.ports)
    async with host() as app, door(outer, names={"evil.example": addresses}) as way:
        answer = await way.say(GET % (b"evil.example:%d" % app.port))
        await way.say(CONNECT % ((b"evil.example:%d" % app.port,) * 2))
    assert answer.startswith(b"HTTP/1.1 403")
    assert way.notes.denials == [Denial.ADDRESS] * 2
    assert app.heads == []


async def test_a_name_is_resolved_once_and_only_its_allowed_addresses_are_used() -> None:
    names = {"app.example": ["10.255.255.1", "127.0.0.1"]}
    async with host() as app, door(names=names) as way:
        assert b"200 OK" in await way.say(GET % app.at)
    assert way.names.asked == ["app.example"]
    assert [each.address for each in way.notes.decisions] == ["127.0.0.1"]


async def test_a_redirect_is_decided_anew() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://b.example/\r\nContent-Length: 0\r\n\r\n"
    async with host(away) as app, door() as way, _client(way.port) as client:
        answer = await client.get(f"http://{app.at.decode()}/", follow_redirects=True)
    assert answer.status_code == 403
    assert [str(each.url) for each in answer.history] == [f"http://{app.at.decode()}/"]
    assert way.notes.denials == [Denial.HOST]


async def test_methods_are_allowed_by_name() -> None:
    async with host() as app, door(rule(methods=["GET"])) as way:
        assert b"200 OK" in await way.say(GET % app.at)
        answer = await way.say(POST % app.at + b"Content-Length: 1\r\n\r\na")
        disguised = b"X-HTTP-Method-Override: DELETE\r\n\r\n"
        await way.say((GET % app.at)[:-2] + disguised)
    assert b"allows only GET there" in answer
    assert way.notes.denials == [Denial.METHOD]
    assert len(app.heads) == 2
    assert b"verride" not in app.heads[1]


@pytest.mark.parametrize(
    "request_",
    [
        b"GET http://%s/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n",
        POST + b"Content-Length: +1\r\n\r\na",
        b"GET http://%s/ HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
        b"GET http://%s/ a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET  http://%s/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET https://%s/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n%s",
        b"\x16\x03\x01%s",
        b"GET http://%s/ HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (65 << 10) + b"\r\n\r\n",
    ],
)
async def test_ambiguous_requests_are_refused(request_: bytes) -> None:
    async with host() as app, door() as way:
        answer = await way.say(request_ % app.at)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert app.heads == []


async def test_a_broken_body_reaches_no_second_request() -> None:
    sent = b"Transfer-Encoding: chunked\r\n\r\nzz\r\nGET http://app.example/b HTTP/1.1\r\n\r\n"
    async with host() as app, door() as way:
        await way.say(POST % app.at + sent)
    assert len(app.heads) <= 1


async def test_a_tunnel_carries_any_bytes() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    async with host(serve=echo) as app, door() as way:
        answer = await way.say(CONNECT % (app.at, app.at), b"\x00\xffabc")
    assert answer.endswith(b"\r\n\r\n\x00\xffabc")
    (ended,) = way.notes.ends
    assert (ended.kind, ended.bytes_out, ended.bytes_in) == ("tunnel", 5, 5)


async def test_bytes_are_counted_before_they_pass() -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"a" * 100_000
    async with host(big) as app, door(budget=Budget({Measure.BYTES: 70_000})) as way:
        answer = await way.say(GET % app.at)
    assert len(answer) < 71_000
    assert way.ledger.account.spent[Measure.BYTES] <= 70_000
    assert way.notes.denials == [Denial.BUDGET]


async def test_a_tunnel_ends_with_its_budget() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"a" * 10_000)
            await writer.drain()

    async with (
        host(serve=flood) as app,
        door(budget=Budget({Measure.BYTES: 200_000})) as way,
    ):
        answer = await way.say(CONNECT % (app.at, app.at), until_eof=False)
    assert len(answer) < 201_000
    assert way.notes.denials == [Denial.BUDGET]


async def test_requests_are_counted_before_they_are_sent() -> None:
    async with host() as app, door(budget=Budget({Measure.REQUESTS: 1})) as way:
        answer = await way.say(GET % app.at + GET % app.at)
    assert len(app.heads) == 1
    assert b"Ath-Denied: budget" in answer


async def test_bodies_have_a_bound() -> None:
    async with host() as app, door(bounds=EgressBounds(body_bytes=10)) as way:
        await way.say(POST % app.at + b"Content-Length: 11\r\n\r\n" + b"a" * 11)
    assert b"more than 10 bytes" in way.notes.ends[0].why.encode()


@pytest.mark.parametrize("trickle", [b"", b"GET http://app.example/ HTTP/1.1\r\nX: "])
async def test_a_head_that_never_ends_is_given_up(trickle: bytes) -> None:
    bounds = EgressBounds(head_seconds=0.1, idle_seconds=0.2)
    async with door(bounds=bounds) as way:
        assert b"200" not in await way.say(trickle, until_eof=False)


async def test_a_host_that_says_nothing_is_given_up() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    bounds = EgressBounds(idle_seconds=0.1)
    async with host(serve=mute) as app, door(bounds=bounds) as way:
        answer = await way.say(GET % app.at, until_eof=False)
        await way.say(CONNECT % (app.at, app.at), until_eof=False)
    assert answer.startswith(b"HTTP/1.1 504")
    assert [each.why for each in way.notes.ends][1] == "nothing moved"


async def test_a_host_that_does_not_answer_is_told() -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    async with door() as way:
        assert b"502" in await way.say(GET % (b"app.example:%d" % port))
    async with door(rule("gone.example")) as way:
        assert b"leads nowhere" in await way.say(GET % b"gone.example")
    (decided,), (ended,) = way.notes.decisions, way.notes.ends
    assert (decided.host, decided.address) == ("gone.example", "")
    assert "leads nowhere" in ended.why


async def test_a_lease_has_a_bounded_number_of_connections() -> None:
    async with door(bounds=EgressBounds(connections=1)) as way:
        _, writer = await asyncio.open_connection("127.0.0.1", way.port)
        assert await way.say(GET % b"b.example") == b""
        writer.close()


async def test_a_dismissed_lease_loses_what_it_has_under_way() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with host(serve=mute) as app, door() as way:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        writer.write(CONNECT % (app.at, app.at))
        await reader.readuntil(b"\r\n\r\n")
        await way.proxy.dismiss("lease")
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection("127.0.0.1", way.port)


async def test_a_shared_port_asks_for_the_lease_and_its_token() -> None:
    async with host() as app, door() as way:
        way.port = await way.proxy.open(EgressBounds())
        for shown in (b"", _basic("lease", "other"), _basic("x", "token"), b"Bearer token", b"b"):
            head = b"Proxy-Authorization: " + shown + b"\r\n\r\n" if shown else b"\r\n"
            assert b" 407 " in await way.say((GET % app.at)[:-2] + head)
        assert app.heads == []
        shown = b"Proxy-Authorization: " + _basic("lease", "token") + b"\r\n\r\n"
        assert b"200 OK" in await way.say((GET % app.at)[:-2] + shown)
        proxy = f"http://lease:token@127.0.0.1:{way.port}"
        async with httpx.AsyncClient(proxy=proxy, trust_env=False) as client:
            assert (await client.get(f"http://{app.at.decode()}/")).text == "hi"


async def test_a_socket_leads_to_one_host_for_clients_of_any_protocol() -> None:
    async def database(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"ready\n" + await reader.readline())
        writer.close()

    async with host(serve=database) as app, door(rule(ports=[1])) as way:
        for port, told in ((app.port, b""), (1, b"")):
            listener = socket.create_server(("127.0.0.1", 0))
            way.port = listener.getsockname()[1]
            await way.proxy.forward("lease", listener, Endpoint("app.example", port))
            assert await way.say(b"hello\n") == told
    assert way.notes.denials == [Denial.PORT]
    async with host(serve=database) as app, door() as way:
        listener = socket.create_server(("127.0.0.1", 0))
        way.port = listener.getsockname()[1]
        await way.proxy.forward("lease", listener, Endpoint("app.example", app.port))
        assert await way.say(b"hello\n") == b"ready\nhello\n"


async def test_https_is_read_where_methods_are_named() -> None:
    theirs = Authority(SystemClock())
    trusted = ssl.create_default_context(cadata=theirs.pem)
    async with (
        host(tls=theirs.context("app.example")) as app,
        door(rule(methods=["GET"]), upstream_tls=trusted, reads=True) as way,
        _client(way.port, way.authority) as client,
    ):
        url = f"https://{app.at.decode()}/"
        assert (await client.get(url)).text == "hi"
        assert (await client.post(url, content=b"a")).status_code == 403
        other = {"Host": "b.example"}
        assert (await client.get(url, headers=other)).status_code == 400
    assert len(app.heads) == 1
    assert way.notes.denials == [Denial.METHOD, Denial.MALFORMED]
    assert way.notes.decisions[0].kind == "https"


async def test_a_host_with_a_false_certificate_is_not_read() -> None:
    theirs = Authority(SystemClock())
    trusted = ssl.create_default_context(cadata=theirs.pem)
    async with (
        host(tls=theirs.context("b.example")) as app,
        door(rule(methods=["GET"]), upstream_tls=trusted, reads=True) as way,
        _client(way.port, way.authority) as client,
    ):
        answer = await client.get(f"https://{app.at.decode()}/")
    assert answer.status_code == 502
    assert app.heads == []


async def test_what_cannot_be_read_is_refused_where_methods_are_named() -> None:
    async with host() as app, door(rule(methods=["GET"])) as way:
        assert b"cannot be read" in await way.say(CONNECT % (app.at, app.at))
    async with host() as app, door(rule(methods=["GET"]), reads=True) as way:
        await way.say(CONNECT % (app.at, app.at), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert app.heads == []
    assert way.notes.denials == [Denial.UNREADABLE]


def _basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def _client(port: int, authority: Authority | None = None) -> httpx.AsyncClient:
    verify = ssl.create_default_context(cadata=authority.pem) if authority else True
    return httpx.AsyncClient(
        proxy=f"http://127.0.0.1:{port}", trust_env=False, verify=verify, timeout=5
    )
