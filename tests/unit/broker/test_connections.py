"""Connections on sockets that somebody else made."""

import asyncio
import socket
from pathlib import Path

import pytest

from actors.broker.connections import Connections, Streams


async def heard(listener: socket.socket, option: tuple[int, int] | None) -> list[int]:
    """What the accepted connection's socket says of an option."""
    found: list[int] = []
    over = asyncio.Event()

    async def handle(streams: Streams) -> None:
        end = streams[1].get_extra_info("socket")
        found.append(end.getsockopt(*option) if option else 0)
        over.set()

    connections = Connections(1)
    await connections.listen(listener, handle)
    with socket.socket(listener.family) as client:
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, listener.getsockname())
        async with asyncio.timeout(5):
            await over.wait()
    await connections.close()
    return found


async def test_small_parts_are_sent_at_once() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    assert await heard(listener, (socket.IPPROTO_TCP, socket.TCP_NODELAY)) == [1]


async def test_a_socket_in_the_file_system_serves_too(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    assert await heard(listener, None) == [0]


async def test_one_too_many_is_closed_and_what_breaks_ends_alone() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    connections = Connections(1)
    held = asyncio.Event()

    async def handle(streams: Streams) -> None:
        held.set()
        await streams[0].readline()
        raise OSError("broken")

    await connections.listen(listener, handle)
    first = await asyncio.open_connection(*listener.getsockname())
    await held.wait()
    second = await asyncio.open_connection(*listener.getsockname())
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await second[0].readexactly(1)
    first[1].write(b"\n")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await first[0].readexactly(1)
    assert not connections.is_full
    await connections.close()
    for _, writer in (first, second):
        writer.close()
