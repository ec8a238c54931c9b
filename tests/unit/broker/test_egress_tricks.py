"""Tricks to reach what is not allowed: each is refused or harmless, and each is told."""

import asyncio
import contextlib
import gzip
import ssl
from collections.abc import Callable, Sequence

import pytest

from actors.broker.authority import Authority
from actors.broker.bounds import EgressBounds
from actors.broker.server_name import server_name
from harness.domain.decision import Denial
from harness.errors import InvalidInput
from harness.ports.clock import SystemClock
from tests.unit.broker.door import OK, Door, door, host, rule

GET = b"GET http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST http://%s/ HTTP/1.1\r\nHost: x\r\n"
CONNECT = b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n"

LITERALS = [
    *("0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "017700000001", "2130706433", "127.1", "127.0.1"),
    *("00127.0.0.1", "127.0.0.01", "127.0.0.0x1", "0", "0x", "1.1", "4294967297", "256.0.0.1"),
    *("127.0.0.1.", "127.0.0.1..", "127..0.1", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]"),
    *("[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[fe80::1%25lo]"),
    *("[::1%25lo]", "[::1%lo]", "[::1", "::1", "[127.0.0.1]", "169.254.169.254", "[fd00::1]"),
]
LOOK_ALIKES = [
    *("app.example.evil.test", "evilapp.example", "app-example", "app.exampl", "xapp.example"),
    *("app.example.com", "app.example..", ".app.example", "app..example", "app.example%00"),
    *("app.example%2eevil.test", "app.example/", "app.example?", "app.example#@evil.test"),
    *("app.example\\evil.test", "app.example;evil.test", "app.example,evil.test"),
    *("evil.test@app.example", "app.example:80@evil.test", "user:pw@app.example", "@app.example"),
    *("app.example:80:80", "app.example:", "app.example:0", "app.example:65536"),
    *("app.example:-1", "app.example:+80", "app.example:8e1", "app.example:\u0668\u0660"),
    *("\u0430pp.example", "app\u3002example", "app\uff0eexample", "\uff41pp.example"),
    *("app\u00adexample", "app.ex\u0430mple", "app.example\u200b", "app\uff61example"),
    *("app.example\0.evil.test", "app.example\t", "app. example", "xn--pp-7ka.example"),
]


@pytest.mark.parametrize("written", LITERALS + LOOK_ALIKES)
async def test_no_disguise_leads_to_another_host(written: str) -> None:
    async with host() as app:
        named = written.encode()
        has_port = written.rpartition("]")[2].count(":") > 0 or written.endswith(":")
        named = named if has_port else named + b":%d" % app.port
        async with door(rule(ports=[app.port])) as way:
            answers = [await way.say(GET % named), await way.say(CONNECT % (named, named))]
    assert app.heads == []
    assert len(way.notes.denials) == 2, (answers, way.notes.decisions)
    assert all(b" 200 " not in each for each in answers)


MALFORMED = {
    "a bare line feed and two lengths": (
        b"POST http://%s/ HTTP/1.1\nHost: x\nContent-Length: 1\nContent-Length: 2\n\na"
    ),
    "two kinds of length": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a coding that hides": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": POST + b"Content-Length : 1\r\n\r\na",
    "a folded first header": b"GET http://%s/ HTTP/1.1\r\n Host: x\r\n\r\n",
    "a null in a header": b"GET http://%s/ HTTP/1.1\r\nHost: x\0y\r\n\r\n",
    "a carriage return alone": b"GET http://%s/ HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%s",
    "HTTP/0.9": b"GET http://%s/\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x00\x05hello%s\r\n\r\n",
    "two hosts": b"GET http://%s/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "too many headers": b"GET http://%s/ HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 300 + b"\r\n",
    "huge headers": b"GET http://%s/ HTTP/1.1\r\nHost: x\r\nA: " + b"b" * (70 << 10) + b"\r\n\r\n",
    "a fragment as authority": b"GET http:///%s HTTP/1.1\r\nHost: x\r\n\r\n",
    "another scheme": b"GET ftp://%s/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "the form of an origin": b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
    "the asterisk": b"OPTIONS * HTTP/1.1\r\nHost: %s\r\n\r\n",
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_no_clear_request_is_refused_and_told(request_: bytes) -> None:
    async with host() as app, door() as way:
        answer = await way.say(request_ % app.at)
    assert app.heads == []
    assert way.notes.denials == [Denial.MALFORMED]
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert all(len(each.decision.reason) < 300 for each in way.notes.decisions)


async def test_a_slow_head_is_told() -> None:
    async with door(bounds=EgressBounds(head_seconds=0.1)) as way:
        answer = await way.say(b"GET http://app.example/ HTT", until_eof=False)
    assert answer.startswith(b"HTTP/1.1 400")
    assert way.notes.denials == [Denial.MALFORMED]
    assert "within 0.1 s" in way.notes.decisions[0].decision.reason


HARMLESS = {
    "chunk extensions": (
        b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n#\r\n0\r\n\r\n",
        [b"a=b"],
    ),
    "trailers": (
        b"Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n1\r\n#\r\n0\r\nX-T: y\r\n\r\n",
        [b"X-T"],
    ),
    "a folded header": (b"X-F: a\r\n b\r\nContent-Length: 1\r\n\r\n#", [b"a\r\n b"]),
    "an upgrade": (
        b"Connection: Upgrade, X-S\r\nUpgrade: h2c\r\nX-S: A\r\nContent-Length: 1\r\n\r\n#",
        [b"pgrade", b"X-S"],
    ),
    "a length that is named as of one connection": (
        b"Connection: content-length\r\nContent-Length: 1\r\n\r\n#",
        [],
    ),
    "another method": (b"Content-Length: 1\r\nX-Method-Override: DELETE\r\n\r\n#", [b"DELETE"]),
}


@pytest.mark.parametrize(("rest", "gone"), HARMLESS.values(), ids=HARMLESS.keys())
async def test_what_two_could_read_differently_is_written_anew(
    rest: bytes, gone: Sequence[bytes]
) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"#"))
        if b"chunked" in heard[0]:
            heard.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(OK)
        writer.close()

    heard: list[bytes] = []
    async with host(serve=once) as app, door() as way:
        answer = await way.say(POST % app.at + rest)
    whole = b"".join(heard)
    assert b"200 OK" in answer
    assert whole.count(b"HTTP/1.1") == 1
    assert whole.startswith(b"POST / HTTP/1.1\r\nHost: %s\r\n" % app.at)
    assert not any(word in whole for word in gone)
    assert [each.host for each in way.notes.decisions] == ["app.example"]


async def test_a_body_that_is_waited_for_is_asked_for() -> None:
    async with host() as app, door() as way:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        writer.write(POST % app.at + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        async with asyncio.timeout(5):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 \r\n\r\n"
            writer.write(b"x")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert b"xpect" not in app.heads[0]
    assert app.bodies == [b"x"]


async def test_what_is_packed_is_passed_on_as_it_is() -> None:
    bomb = gzip.compress(bytes(10 << 20))
    packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with host(packed + bomb) as app, door() as way:
        answer = await way.say(GET % app.at)
    assert answer.endswith(bomb)
    assert way.notes.ends[0].bytes_in == len(packed + bomb)


SPLIT = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nabcde",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300 + b"Content-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("answer", SPLIT.values(), ids=SPLIT.keys())
async def test_an_answer_that_is_none_is_not_passed_on(answer: bytes) -> None:
    async with host(answer) as app, door() as way:
        assert (await way.say(GET % app.at)).startswith(b"HTTP/1.1 502")
    assert way.notes.ends[0].why


async def test_a_second_answer_goes_to_nobody() -> None:
    async with host(OK + OK.replace(b"hi", b"no")) as app, door() as way:
        answer = await way.say(GET % app.at + GET % app.at)
    assert answer.count(b"hi") == 2
    assert b"no" not in answer.rpartition(b"\r\n\r\n")[2]


async def test_an_answer_that_changes_is_decided_anew_each_time() -> None:
    async with host() as app, door() as way:
        await way.say(GET % app.at)
        way.names.known["app.example"] = ["10.0.0.1"]
        for ask in (GET % app.at, CONNECT % (app.at, app.at)):
            assert b" 403 " in await way.say(ask)
    assert way.names.asked == ["app.example"] * 3
    assert way.notes.denials == [Denial.ADDRESS] * 2
    assert len(app.heads) == 1


async def test_of_mixed_answers_only_allowed_ones_are_used() -> None:
    mixed = {"app.example": ["::1", "10.0.0.1", "127.0.0.1", "169.254.169.254"]}
    async with host() as app, door(names=mixed) as way:
        assert b" 200 " in await way.say(GET % app.at)
        way.names.known["app.example"] = ["::1", "10.0.0.1", "169.254.169.254"]
        assert b" 403 " in await way.say(GET % app.at)
    assert [each.address for each in way.notes.decisions] == ["127.0.0.1", "::1"]
    assert len(app.heads) == 1


async def test_a_redirect_inside_is_decided_like_everything() -> None:
    for target in (b"http://127.0.0.1:%d/", b"http://169.254.169.254/", b"http://[::1]:%d/"):
        async with door() as way:
            named = target.replace(b"%d", b"80").removeprefix(b"http://").rstrip(b"/")
            assert b" 403 " in await way.say(GET % named)
        assert way.notes.denials == [Denial.HOST]


def hello(name: str | None, **versions: ssl.TLSVersion) -> bytes:
    """What OpenSSL says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for key, version in versions.items():
        setattr(context, key, version)
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def test_a_server_name_is_read_from_every_beginning() -> None:
    first = hello("app.example")
    assert server_name(first).name == "app.example"
    assert server_name(first + b"more").name == "app.example"
    assert server_name(hello(None)) == server_name(b"SSH-2.0-x")
    for length in range(len(first)):
        assert not server_name(first[:length]).is_known
    assert server_name(fragmented(first)).name == "app.example"
    old = hello("app.example", maximum_version=ssl.TLSVersion.TLSv1_2)
    assert server_name(old).name == "app.example"


def fragmented(first: bytes) -> bytes:
    """The same in records of three bytes."""
    message = first[5:]
    parts = [message[at : at + 3] for at in range(0, len(message), 3)]
    return b"".join(first[:3] + len(part).to_bytes(2) + part for part in parts)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda first: b"\x16\x02" + first[2:],
        lambda first: first[:5] + b"\x02" + first[6:],
        lambda first: first[:5] + b"\x01\xff\xff\xff" + first[9:] + b"\x17\x03\x03\x00\x01a",
        lambda first: b"\x16\x03\x01\x00\x00" * 7000,
        lambda first: first.replace(b"\x00\x0bapp.example", b"\x00\x0bapp.exampl\xff"),
        lambda first: first.replace(b"\x00\x00\x0bapp.example", b"\x01\x00\x0bapp.example"),
    ],
)
def test_a_spoilt_first_message_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(InvalidInput):
        server_name(spoil(hello("app.example")))


async def tunnelled(way: Door, at: bytes, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
    try:
        async with asyncio.timeout(5):
            writer.write(CONNECT % (at, at))
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            with contextlib.suppress(ConnectionError):
                return await reader.read(100)
            return b""
    finally:
        writer.transport.abort()


async def test_a_tunnel_is_for_the_host_that_it_was_opened_to() -> None:
    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"got %d" % len(await reader.read(1 << 16)))
        writer.close()

    own, other = hello("app.example"), hello("evil.test")
    async with host(serve=told) as app, door() as way:
        assert (await tunnelled(way, app.at, own)).startswith(b"got")
        assert (await tunnelled(way, app.at, own[:50], own[50:])).startswith(b"got")
        assert (await tunnelled(way, app.at, hello(None))).startswith(b"got")
        assert (await tunnelled(way, app.at, b"SSH-2.0\r\n")) == b"got 9"
        assert way.notes.denials == []
        for trick in (other, other[:3], fragmented(other)):
            assert await tunnelled(way, app.at, trick, other[len(trick) :]) == b""
    assert way.notes.denials == [Denial.MALFORMED] * 3
    assert "evil.test" in way.notes.decisions[-1].decision.reason


async def test_an_address_answers_to_any_name() -> None:
    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"got %d" % len(await reader.read(1 << 16)))
        writer.close()

    async with host(serve=told) as app, door(rule("127.0.0.1")) as way:
        at = b"127.0.0.1:%d" % app.port
        assert (await tunnelled(way, at, hello("app.example"))).startswith(b"got")
    assert way.notes.denials == []


async def test_who_is_read_asks_for_the_host_that_he_connected_to() -> None:
    theirs = Authority(SystemClock())
    trusted = ssl.create_default_context(cadata=theirs.pem)
    async with (
        host(tls=theirs.context("app.example")) as app,
        door(rule(methods=["GET"]), upstream_tls=trusted, reads=True) as way,
    ):
        await tunnelled(way, app.at, hello("evil.test"))
    assert way.notes.denials == [Denial.UNREADABLE]
    assert app.heads == []
