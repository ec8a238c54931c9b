"""Connections that are accepted, counted and ended together."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import h11

from actors.broker.peer import Malformed
from harness.errors import HarnessError

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Handler: TypeAlias = Callable[[Streams], Coroutine[Any, Any, None]]  # Any: as coroutines are
Heard: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_BROKEN = (Malformed, HarnessError, TimeoutError, OSError, h11.LocalProtocolError)


@dataclass(slots=True)
class Connections:
    """Those of one lease, or of one port; what breaks ends its own connection alone."""

    most: int
    """One more is closed as soon as it is accepted."""
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    _servers: list[asyncio.Server] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether no further one is accepted."""
        return len(self._tasks) >= self.most

    async def listen(self, listener: socket.socket, handle: Handler) -> None:
        """Accept on this socket, which closes with the others."""
        listener.setblocking(False)
        hear = self._hearing(handle)
        self._servers.append(await asyncio.start_server(hear, sock=listener))

    async def adopt(self, end: socket.socket, handle: Handler) -> None:
        """Take over one end of a connection, as if it had just been accepted."""
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.StreamReaderProtocol:
            reader = asyncio.StreamReader(loop=loop)
            return asyncio.StreamReaderProtocol(reader, self._hearing(handle), loop=loop)

        end.setblocking(False)
        await loop.connect_accepted_socket(protocol, end)

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Within the context the running task counts, and ends, with these."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A connection is always a task.")
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    def _hearing(self, handle: Handler) -> Heard:
        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            _speak_at_once(writer)
            work = None if self.is_full else handle((reader, writer))
            with self.joined():
                await _carried_out(work, writer)

        return hear

    async def close(self) -> None:
        """Accept no more, and end what is under way."""
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _speak_at_once(writer: asyncio.StreamWriter) -> None:
    """Send small parts without waiting: asyncio leaves that out for listeners it did not make."""
    end = writer.get_extra_info("socket")
    if end.family in (socket.AF_INET, socket.AF_INET6):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def _carried_out(
    work: Coroutine[Any, Any, None] | None,  # Any: as coroutines are
    writer: asyncio.StreamWriter,
) -> None:
    try:
        if work is not None:
            with contextlib.suppress(*_BROKEN, asyncio.CancelledError):
                await work
    finally:
        writer.transport.abort()
