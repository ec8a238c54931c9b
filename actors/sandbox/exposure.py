"""A server inside a sandbox, reached through a port of the host's loopback."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from actors.sandbox.sandbox import Sandbox
from harness.errors import Unavailable

COPY_BYTES = 1 << 16
MOST_CONNECTIONS = 256
HOST = "127.0.0.1"


@dataclass(slots=True)
class Exposure:
    """Forwards connections until it is closed or the sandbox ends."""

    _sandbox: Sandbox
    _inside: int
    port: int = 0
    """On this machine's loopback."""
    _server: asyncio.Server | None = None
    _connections: "set[asyncio.Task[None]]" = field(default_factory=set)

    @classmethod
    async def open(cls, sandbox: Sandbox, inside: int) -> "Exposure":
        """Forward to that port of the sandbox, whether or not somebody listens there yet."""
        exposure = cls(sandbox, inside)
        exposure._server = await asyncio.start_server(exposure._meet, HOST, 0)
        exposure.port = exposure._server.sockets[0].getsockname()[1]
        return exposure

    def close(self) -> None:
        """Forward no more."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= MOST_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._forward(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            made = await self._sandbox.connect(self._inside)
            theirs, ours = await asyncio.open_connection(sock=made)
        except (Unavailable, OSError):
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, ours))
                both.create_task(_copy(theirs, writer))
        finally:
            ours.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(COPY_BYTES):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()
