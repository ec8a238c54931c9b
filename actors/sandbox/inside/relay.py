"""Carries bytes between a guest's own loopback and sockets that the host passed in.

A guest's sockets are of its own kernel and cannot be passed out. So whoever connects to a port that
the host listens on is announced over a socket of the host's, which answers with a connection.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Sequence

from actors.sandbox.inside import messages

MOST_LINKS = 256
ANSWER_SECONDS = 20.0
COPY_BYTES = 1 << 16


class Relay:
    """A thread with all links of a guest; asked from the guest's main thread."""

    def __init__(self) -> None:
        """Begin to run."""
        self._loop = asyncio.new_event_loop()
        self._links: set[asyncio.Task[None]] = set()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def listen(self, listeners: Sequence[socket.socket], calls: socket.socket) -> None:
        """Announce over `calls` whoever connects to one of these."""
        self._begin(Calls(self, calls).serve(listeners))

    def connect(self, port: int, other: socket.socket) -> None:
        """Link a connection of the host's with a server inside."""
        self._begin(self._dial(port, other))

    async def link(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, other: socket.socket
    ) -> None:
        """Carry both ways until both have ended."""
        try:
            theirs, ours = await asyncio.open_connection(sock=other)
        except OSError:
            other.close()
            return
        try:
            await asyncio.gather(_carry(reader, ours), _carry(theirs, writer))
        finally:
            ours.close()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._loop.call_soon_threadsafe(self._keep, work)

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._links.add(task)
        task.add_done_callback(self._links.discard)

    async def _dial(self, port: int, other: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            other.close()  # the host sees an end
            return
        try:
            await self.link(reader, writer, other)
        finally:
            writer.close()


class Calls:
    """Ports that the host listens on, and its answers."""

    def __init__(self, relay: Relay, calls: socket.socket) -> None:
        calls.setblocking(False)
        self._relay = relay
        self._calls = calls
        self._waiting: dict[int, asyncio.Future[socket.socket]] = {}
        self._count = 0
        self._links = 0

    async def serve(self, listeners: Sequence[socket.socket]) -> None:
        """Accept from now on."""
        asyncio.get_running_loop().add_reader(self._calls, self._hear)
        for one in listeners:
            await asyncio.start_server(self._meet, sock=one)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._links < MOST_LINKS:
                self._links += 1
                try:
                    port = writer.get_extra_info("sockname")[1]
                    await self._relay.link(reader, writer, await self._answer(port))
                finally:
                    self._links -= 1
        except (OSError, TimeoutError):
            return
        finally:
            writer.close()

    async def _answer(self, port: int) -> socket.socket:
        self._count += 1
        number = self._count
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            messages.send(self._calls, {"id": number, "port": port}, [])
            return await asyncio.wait_for(self._waiting[number], ANSWER_SECONDS)
        finally:
            del self._waiting[number]

    def _hear(self) -> None:
        answer, descriptors = messages.receive(self._calls)
        if answer is None:
            asyncio.get_running_loop().remove_reader(self._calls)
            return
        waiting = self._waiting.get(answer["id"])
        if waiting is None or waiting.done():
            messages.close_all(descriptors)
        elif descriptors:
            waiting.set_result(socket.socket(fileno=descriptors[0]))
        else:
            waiting.set_exception(ConnectionRefusedError("nobody accepts"))


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(COPY_BYTES):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()
