"""The egress proxy: HTTP requests and CONNECT, on a port of its own or on sockets it is given."""

import asyncio
import binascii
import contextlib
import hmac
import socket
import ssl
from base64 import b64decode
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import h11

from actors.broker.bounds import EgressBounds
from actors.broker.conversation import Conversation
from actors.broker.dialer import NoConnection, Resolver, SystemResolver, dial
from actors.broker.passage import Passage, Refused
from actors.broker.peer import Malformed, Peer
from actors.broker.tunnel import Tunnel
from harness.domain.host_name import Endpoint
from harness.errors import Unauthenticated
from harness.ports.clock import Clock

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Handler: TypeAlias = Callable[[Streams], Coroutine[Any, Any, None]]  # Any: as coroutines are

_BROKEN = (Malformed, Refused, NoConnection, TimeoutError, OSError, h11.LocalProtocolError)
_UNKNOWN = "This proxy serves leases alone; send the lease and its token as user and password."


@dataclass(slots=True)
class _Guest:
    """A lease that may use the proxy."""

    passage: Passage
    token: str | None
    tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    servers: list[asyncio.Server] = field(default_factory=list)

    def is_full(self) -> bool:
        return len(self.tasks) >= self.passage.bounds.connections


class EgressProxy:
    """Carries what its leases' policies allow, and nothing else."""

    def __init__(
        self,
        clock: Clock,
        resolver: Resolver | None = None,
        upstream_tls: ssl.SSLContext | None = None,
    ) -> None:
        """Not listening; `upstream_tls` verifies hosts whose HTTPS is read."""
        self._clock = clock
        self._resolver = resolver or SystemResolver()
        self._upstream_tls = upstream_tls or ssl.create_default_context()
        self._guests: dict[str, _Guest] = {}
        self._shared: asyncio.Server | None = None
        self._callers: set[asyncio.Task[None]] = set()

    async def open(self, bounds: EgressBounds, most_callers: int = 512) -> int:
        """Listen on loopback for all leases, which show their tokens; gives the port."""

        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            is_full = len(self._callers) >= most_callers
            work = None if is_full else self._introduced((reader, writer), bounds)
            await _carried_out(work, self._callers, writer)

        self._shared = await asyncio.start_server(hear, "127.0.0.1", 0)
        port: int = self._shared.sockets[0].getsockname()[1]
        return port

    def admit(self, passage: Passage, token: str | None = None) -> None:
        """From now on this lease may pass: its id is the user's name, the token the password.

        Without a token it is served on sockets of its own alone.
        """
        self._guests[passage.lease] = _Guest(passage, token)

    async def serve(self, lease: str, listener: socket.socket) -> None:
        """Serve HTTP on a lease's own socket, where nothing need be shown."""
        guest = self._guests[lease]
        await self._listen(guest, listener, partial(self._http, guest))

    async def forward(self, lease: str, listener: socket.socket, to: Endpoint) -> None:
        """Make a lease's own socket lead to one host and port, for clients of any protocol."""
        guest = self._guests[lease]
        await self._listen(guest, listener, partial(self._tcp, guest, to))

    async def dismiss(self, lease: str) -> None:
        """End a lease: its sockets and all that it has under way."""
        guest = self._guests.pop(lease, None)
        if guest is not None:
            for server in guest.servers:
                server.close()
            await _ended(guest.tasks)

    async def close(self) -> None:
        """End everything."""
        if self._shared is not None:
            self._shared.close()
        await _ended(self._callers)
        for lease in list(self._guests):
            await self.dismiss(lease)

    async def _listen(self, guest: _Guest, listener: socket.socket, handle: Handler) -> None:
        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            work = None if guest.is_full() else handle((reader, writer))
            await _carried_out(work, guest.tasks, writer)

        listener.setblocking(False)
        guest.servers.append(await asyncio.start_server(hear, sock=listener))

    async def _http(self, guest: _Guest, streams: Streams) -> None:
        peer = Peer.server(*streams, guest.passage.bounds)
        await self._conversation(peer, lambda _: guest.passage).hold()

    async def _introduced(self, streams: Streams, bounds: EgressBounds) -> None:
        """A conversation of the lease whose token its first request shows, and each after it."""
        found: list[_Guest] = []

        def gatekeeper(request: h11.Request) -> Passage:
            guest = self._guest_of(request)
            if found and found[0] is not guest:
                raise Unauthenticated(_UNKNOWN)
            if not found:
                self._join(guest)
                found.append(guest)
            return guest.passage

        try:
            await self._conversation(Peer.server(*streams, bounds), gatekeeper).hold()
        finally:
            for guest in found:
                guest.tasks.discard(_this_task())

    def _guest_of(self, request: h11.Request) -> _Guest:
        shown = [value for name, value in request.headers if name == b"proxy-authorization"]
        lease, token = _credentials(shown[0]) if len(shown) == 1 else ("", "")
        guest = self._guests.get(lease)
        if (
            guest is None
            or guest.token is None
            or not hmac.compare_digest(guest.token.encode(), token.encode())
        ):
            raise Unauthenticated(_UNKNOWN)
        return guest

    def _join(self, guest: _Guest) -> None:
        if guest.is_full():
            raise Malformed("too many connections of one lease")
        guest.tasks.add(_this_task())

    def _conversation(
        self, peer: Peer, gatekeeper: Callable[[h11.Request], Passage]
    ) -> Conversation:
        return Conversation(peer, gatekeeper, self._resolver, self._clock, self._upstream_tls)

    async def _tcp(self, guest: _Guest, to: Endpoint, streams: Streams) -> None:
        async with asyncio.timeout(guest.passage.bounds.total_seconds):
            guest.passage.begin("tcp", to)
            upstream = await dial(guest.passage, self._resolver, "tcp", to)
            await Tunnel(guest.passage, "tcp", to, self._clock).carry(streams, upstream)


async def _carried_out(
    work: Coroutine[Any, Any, None] | None,  # Any: as coroutines are
    among: "set[asyncio.Task[None]]",
    writer: asyncio.StreamWriter,
) -> None:
    """Carry out what one connection asks for, where it can be ended from outside."""
    task = _this_task()
    among.add(task)
    try:
        if work is not None:
            with contextlib.suppress(*_BROKEN, asyncio.CancelledError):
                await work
    finally:
        among.discard(task)
        writer.transport.abort()


def _this_task() -> "asyncio.Task[None]":
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("A connection is always a task.")
    return task


async def _ended(tasks: "set[asyncio.Task[None]]") -> None:
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _credentials(shown: bytes) -> tuple[str, str]:
    kind, _, text = shown.partition(b" ")
    if kind.lower() != b"basic":
        return "", ""
    try:
        lease, _, token = b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError):
        return "", ""
    return lease, token
