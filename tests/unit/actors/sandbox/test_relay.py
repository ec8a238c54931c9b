"""Both ends of the way into and out of a guest, without the guest."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest

from actors.sandbox.guest_calls import GuestCalls
from actors.sandbox.inside import messages
from actors.sandbox.inside.init import listener
from actors.sandbox.inside.relay import Relay


@pytest.fixture(scope="module")
def relay() -> Relay:
    return Relay()


@pytest.fixture
async def inside() -> AsyncIterator[socket.socket]:
    with listener(0) as made:
        yield made


async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    writer.write_eof()
    await writer.drain()
    writer.close()


async def test_who_connects_inside_is_answered_outside(relay: Relay, inside: socket.socket) -> None:
    port = inside.getsockname()[1]
    calls, theirs = GuestCalls.open([port])
    relay.listen([inside.dup()], theirs)
    server = await asyncio.start_server(met, sock=calls.listeners[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = os.urandom(1 << 20)
    writer.write(sent)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 10) == sent
    writer.close()
    server.close()
    calls.close()


async def test_where_nobody_accepts_the_connection_ends(
    relay: Relay, inside: socket.socket
) -> None:
    port = inside.getsockname()[1]
    calls, theirs = GuestCalls.open([port])
    relay.listen([inside.dup()], theirs)
    calls.listeners[0].close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    calls.close()


async def test_a_connection_from_outside_reaches_a_server_inside(relay: Relay) -> None:
    server = await asyncio.start_server(met, "127.0.0.1", 0)
    ours, theirs = socket.socketpair()
    relay.connect(server.sockets[0].getsockname()[1], theirs)
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(b"hello")
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 10) == b"hello"
    writer.close()
    server.close()


async def test_without_a_server_inside_it_ends(relay: Relay, inside: socket.socket) -> None:
    port = inside.getsockname()[1]
    inside.close()
    ours, theirs = socket.socketpair()
    relay.connect(port, theirs)
    reader, writer = await asyncio.open_connection(sock=ours)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


@pytest.mark.parametrize(
    "said",
    [{}, {"id": 1}, {"id": "x", "port": 80}, {"id": 1, "port": "80"}, {"id": 1, "port": 81}, [1]],
)
async def test_nonsense_from_inside_ends_the_calls_and_nothing_else(said: dict[str, int]) -> None:
    calls, theirs = GuestCalls.open([80])
    messages.send(theirs, said, [])
    theirs.settimeout(10)
    assert (await asyncio.to_thread(messages.receive, theirs))[0] is None
    theirs.close()
    for one in calls.listeners:
        one.close()
