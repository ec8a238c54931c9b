"""The egress proxy: HTTP requests and CONNECT, on a port of its own or on sockets it is given."""

import asyncio
import binascii
import hmac
import socket
import ssl
from base64 import b64decode
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import h11

from actors.broker.bounds import EgressBounds
from actors.broker.connections import Connections, Streams
from actors.broker.conversation import Conversation
from actors.broker.dialer import Resolver, SystemResolver, dial
from actors.broker.passage import Passage
from actors.broker.peer import Malformed, Peer
from actors.broker.trust import public_authorities
from actors.broker.tunnel import Tunnel
from harness.domain.host_name import Endpoint
from harness.errors import Unauthenticated
from harness.ports.clock import Clock

_UNKNOWN = "This proxy serves leases alone; send the lease and its token as user and password."


@dataclass(slots=True)
class _Guest:
    """A lease that may use the proxy."""

    passage: Passage
    token: str | None
    connections: Connections


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
        self._upstream_tls = upstream_tls or public_authorities()
        self._guests: dict[str, _Guest] = {}
        self._shared: Connections | None = None

    async def open(self, bounds: EgressBounds, most_callers: int = 512) -> int:
        """Listen on loopback for all leases, which show their tokens; gives the port."""
        self._shared = Connections(most_callers)
        listener = socket.create_server(("127.0.0.1", 0))
        await self._shared.listen(listener, lambda streams: self._introduced(streams, bounds))
        port: int = listener.getsockname()[1]
        return port

    def admit(self, passage: Passage, token: str | None = None) -> None:
        """From now on this lease may pass: its id is the user's name, the token the password.

        Without a token it is served on sockets of its own alone.
        """
        connections = Connections(passage.bounds.connections)
        self._guests[passage.lease] = _Guest(passage, token, connections)

    async def serve(self, lease: str, listener: socket.socket) -> None:
        """Serve HTTP on a lease's own socket, where nothing need be shown."""
        guest = self._guests[lease]
        await guest.connections.listen(listener, partial(self._http, guest))

    async def forward(self, lease: str, listener: socket.socket, to: Endpoint) -> None:
        """Make a lease's own socket lead to one host and port, for clients of any protocol."""
        guest = self._guests[lease]
        await guest.connections.listen(listener, partial(self._tcp, guest, to))

    async def connect(self, lease: str) -> socket.socket:
        """A connection of a lease's own, for what speaks for it in this process.

        Nothing listens anywhere, so nobody else can take the lease's place.
        """
        guest = self._guests[lease]
        ours, theirs = socket.socketpair()
        try:
            await guest.connections.adopt(theirs, partial(self._http, guest))
        except BaseException:
            ours.close()
            theirs.close()
            raise
        return ours

    async def dismiss(self, lease: str) -> None:
        """End a lease: its sockets and all that it has under way."""
        guest = self._guests.pop(lease, None)
        if guest is not None:
            await guest.connections.close()

    async def close(self) -> None:
        """End everything."""
        if self._shared is not None:
            await self._shared.close()
        for lease in list(self._guests):
            await self.dismiss(lease)
        self._resolver.close()

    async def _http(self, guest: _Guest, streams: Streams) -> None:
        peer = Peer.server(*streams, guest.passage.bounds)
        await self._conversation(peer, lambda _: guest.passage, guest.passage).hold()

    async def _introduced(self, streams: Streams, bounds: EgressBounds) -> None:
        """A conversation of the lease whose token its first request shows, and each after it."""
        found: list[_Guest] = []
        with ExitStack() as joined:

            def gatekeeper(request: h11.Request) -> Passage:
                guest = self._guest_of(request)
                if not found:
                    if guest.connections.is_full:
                        raise Malformed("too many connections of one lease")
                    joined.enter_context(guest.connections.joined())
                    found.append(guest)
                if found[0] is not guest:
                    raise Unauthenticated(_UNKNOWN)
                return guest.passage

            await self._conversation(Peer.server(*streams, bounds), gatekeeper).hold()

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

    def _conversation(
        self,
        peer: Peer,
        gatekeeper: Callable[[h11.Request], Passage],
        owner: Passage | None = None,
    ) -> Conversation:
        tls = self._upstream_tls
        return Conversation(peer, gatekeeper, self._resolver, self._clock, tls, owner)

    async def _tcp(self, guest: _Guest, to: Endpoint, streams: Streams) -> None:
        async with asyncio.timeout(guest.passage.bounds.total_seconds):
            guest.passage.begin("tcp", to)
            upstream = await dial(guest.passage, self._resolver, "tcp", to)
            await Tunnel(guest.passage, "tcp", to, self._clock).carry(streams, upstream)


def _credentials(shown: bytes) -> tuple[str, str]:
    kind, _, text = shown.partition(b" ")
    if kind.lower() != b"basic":
        return "", ""
    try:
        lease, _, token = b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError):
        return "", ""
    return lease, token
