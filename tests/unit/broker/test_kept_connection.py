"""One client's requests to a host share a connection, where that is safe."""

import asyncio
import ssl
from ipaddress import ip_address

import pytest

from actors.broker import kept_connection
from actors.broker.authority import Authority
from harness.domain.address_range import AddressRanges
from harness.domain.decision import Denial
from harness.domain.host_rule import HostPattern, HostRule
from harness.ports.clock import SystemClock
from tests.unit.broker.door import LOOPBACK, OK, door, host, rule
from tests.unit.broker.test_egress_proxy import _client

GET = b"GET http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST http://%s/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"


async def test_requests_of_one_client_share_a_connection_and_its_address() -> None:
    async with host() as app, door() as way:
        answer = await way.say(GET % app.at * 3)
        await way.say(GET % app.at)
    assert answer.count(b"200 OK") == 3
    assert (len(app.heads), app.connections) == (4, 2)
    assert way.names.asked == ["app.example"] * 2
    assert [each.address for each in way.notes.decisions] == ["127.0.0.1"] * 4
    assert [each.bytes_in for each in way.notes.ends] == [len(OK)] * 4
    assert len({each.bytes_out for each in way.notes.ends}) == 1


async def test_read_https_shares_one_too() -> None:
    theirs = Authority(SystemClock())
    trusted = ssl.create_default_context(cadata=theirs.pem)
    async with (
        host(tls=theirs.context("app.example")) as app,
        door(rule(methods=["GET"]), upstream_tls=trusted, reads=True) as way,
        _client(way.port, way.authority) as client,
    ):
        for _ in range(3):
            assert (await client.get(f"https://{app.at.decode()}/")).text == "hi"
    assert (len(app.heads), app.connections) == (3, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
        OK + b"x",
    ],
)
async def test_what_a_host_ended_or_spoilt_is_not_used_again(answer: bytes) -> None:
    async with host(answer) as app, door() as way:
        got = await way.say(GET % app.at * 2)
    assert got.count(b"hi") == 2
    assert b"no" not in got
    assert app.connections == 2


async def test_what_comes_unasked_later_is_nobodys_answer() -> None:
    said = asyncio.Event()

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await said.wait()
        writer.write(OK.replace(b"hi", b"no"))
        await writer.drain()
        await reader.read()

    async with host(serve=late) as app, door() as way:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        async with asyncio.timeout(5):
            writer.write(GET % app.at)
            await reader.readuntil(b"hi")
            said.set()
            for _ in range(10):
                await asyncio.sleep(0)
            writer.write(GET % app.at)
            assert (await reader.readuntil(b"\r\n\r\n")) + await reader.read(2) == OK
        writer.close()


async def test_a_request_goes_out_again_when_the_host_had_hung_up() -> None:
    served = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await reader.read(1)  # takes the next request and does not answer it

    async with host(serve=once) as app, door() as way:
        answer = await way.say(GET % app.at * 2)
    assert answer.count(b"200 OK") == 2
    assert served == 2
    assert [bool(each.why) for each in way.notes.ends] == [False, True, False]


async def test_what_changes_something_has_a_connection_of_its_own() -> None:
    async with host() as app, door() as way:
        answer = await way.say((GET + POST + POST + GET) % ((app.at,) * 4))
    assert answer.count(b"200 OK") == 4
    assert app.connections == 3


async def test_an_address_is_decided_on_for_each_method() -> None:
    hosts = HostPattern.parse("app.example")
    inner = HostRule(hosts, None, frozenset({"GET"}), LOOPBACK)
    outer = HostRule(hosts, None, frozenset({"HEAD"}), AddressRanges())
    async with host() as app, door(inner, outer) as way:
        assert b"200 OK" in await way.say(GET % app.at)
        await way.say(GET % app.at + b"HEAD http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n" % app.at)
    assert way.notes.denials == [Denial.ADDRESS]
    assert [head.split(b" ")[0] for head in app.heads] == [b"GET", b"GET"]


async def test_a_connection_is_kept_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_connection, "LIFE_SECONDS", 0.0)
    async with host() as app, door() as way:
        await way.say(GET % app.at * 2)
    assert app.connections == 2
    assert way.notes.decisions[0].address == str(ip_address("127.0.0.1"))
