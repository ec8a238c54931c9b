"""One client's connection to the proxy: requests in absolute form, or one CONNECT."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import h11

from actors.broker.dialer import NoConnection, Resolver, dial
from actors.broker.exchange import Exchange, answer
from actors.broker.kept_connection import KeptConnection
from actors.broker.passage import Passage, Refused
from actors.broker.peer import Malformed, Peer
from actors.broker.tunnel import Tunnel
from harness.domain.decision import Decision, Denial, refused
from harness.domain.host_name import Endpoint
from harness.errors import InvalidInput, Unauthenticated
from harness.ports.clock import Clock

Gatekeeper: TypeAlias = Callable[[h11.Request], Passage]
"""Whose request it is; raises Unauthenticated where it does not say."""

_ABSOLUTE = re.compile(rb"[hH][tT][tT][pP]://(?P<authority>[^/?#]*)(?P<path>[^#]*)")
MOST_REASON = 200
"""Characters of what a parser says, which quotes what it got."""
_ESTABLISHED = h11.Response(status_code=200, headers=[], reason=b"Connection established")
_ASK = [(b"Proxy-Authenticate", b'Basic realm="egress"')]


@dataclass(slots=True)
class Conversation:
    """Answers requests one after the other."""

    client: Peer
    gatekeeper: Gatekeeper
    resolver: Resolver
    clock: Clock
    upstream_tls: ssl.SSLContext
    owner: Passage | None = None
    """Who is told of what is no request; on a shared port known from the first one on."""
    _kept: KeptConnection = field(default_factory=KeptConnection)

    async def hold(self) -> None:
        """Until the client has no more, something breaks, or the time is over."""
        try:
            async with asyncio.timeout(self.client.bounds.total_seconds):
                while (request := await self._next()) and await self._served(request):
                    self.client.http.start_next_cycle()
                await self.client.linger()
        finally:
            self._kept.close()

    async def _next(
        self, disguised: Peer | None = None, to: Endpoint | None = None
    ) -> h11.Request | None:
        peer = disguised or self.client
        try:
            return await peer.request()
        except Malformed as wrong:
            why = str(wrong)[:MOST_REASON]
            if self.owner is not None:
                told = refused(Denial.MALFORMED, f"That is no request: {why}.")
                with contextlib.suppress(Refused):
                    self.owner.check("https" if disguised else "http", to, told)
            await answer(peer, 400, Malformed(why))
            return None

    async def _served(self, request: h11.Request) -> bool:
        """Whether the connection can carry a further request."""
        try:
            passage = self.owner = self.gatekeeper(request)
        except Unauthenticated as unknown:
            await answer(self.client, 407, unknown, request.method, _ASK)
            return False
        if request.method == b"CONNECT":
            await self._connect(passage, request)
            return False
        found = _ABSOLUTE.fullmatch(request.target)
        to = self._endpoint(found["authority"], 80) if found else None
        if found is None or to is None:
            await self._nonsense(passage, request)
            return False
        exchange = self._exchange(passage, self.client, request, to, _path(found["path"]))
        await exchange.carry()
        return _is_reusable(self.client)

    async def _connect(self, passage: Passage, request: h11.Request) -> None:
        to = self._endpoint(request.target, None)
        if to is None:
            await self._nonsense(passage, request)
            return
        try:
            passage.begin("tunnel", to)
            if passage.rules.connection(to).must_read:
                await self._intercept(passage, to)
                return
            upstream = await dial(passage, self.resolver, "tunnel", to)
        except (Refused, NoConnection) as failed:
            await answer(self.client, 403 if isinstance(failed, Refused) else 502, failed)
            return
        try:
            await self.client.send(_ESTABLISHED)
        except BaseException:
            upstream[1].transport.abort()
            raise
        first = self.client.http.trailing_data[0]
        ends = (self.client.reader, self.client.writer)
        await Tunnel(passage, "tunnel", to, self.clock).carry(ends, upstream, first)

    async def _intercept(self, passage: Passage, to: Endpoint) -> None:
        """Be the host, so that each request can be decided by its method."""
        peer = await self._disguised(passage, to)
        while (request := await self._next(peer, to)) is not None:
            if not self._is_for(request, to):
                await self._nonsense(passage, request, peer)
                return
            exchange = self._exchange(passage, peer, request, to, request.target)
            await exchange.carry()
            if not _is_reusable(peer):
                await peer.linger()
                return
            peer.http.start_next_cycle()

    async def _disguised(self, passage: Passage, to: Endpoint) -> Peer:
        if passage.authority is None:
            raise RuntimeError("Nothing can be read here; `begin` refuses it.")
        client = self.client
        # What the client says next must reach TLS, not the reader of before.
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket
        await client.send(_ESTABLISHED)
        if client.http.trailing_data[0]:
            passage.check("https", to, _unreadable(to, "it came before the connection was there"))
        try:
            async with asyncio.timeout(client.bounds.head_seconds):
                await client.writer.start_tls(passage.authority.context(to.host))
        except OSError as failed:
            passage.check("https", to, _unreadable(to, str(failed)))
        return Peer.server(client.reader, client.writer, client.bounds)

    def _exchange(
        self, passage: Passage, peer: Peer, request: h11.Request, to: Endpoint, path: bytes
    ) -> Exchange:
        is_read = peer is not self.client
        return Exchange(
            passage,
            peer,
            request,
            "https" if is_read else "http",
            to,
            path,
            self.resolver,
            self.clock,
            self._kept,
            self.upstream_tls if is_read else None,
        )

    def _is_for(self, request: h11.Request, to: Endpoint) -> bool:
        """Whether an intercepted request is meant for the host that it connected to."""
        if not request.target.startswith(b"/") and request.target != b"*":
            return False
        named = [value for name, value in request.headers if name == b"host"]
        return bool(named) and self._endpoint(named[0], 443) == to

    def _endpoint(self, text: bytes, default_port: int | None) -> Endpoint | None:
        try:
            return Endpoint.parse(text.decode("ascii"), default_port)
        except (InvalidInput, UnicodeError):
            return None

    async def _nonsense(
        self, passage: Passage, request: h11.Request, peer: Peer | None = None
    ) -> None:
        target = request.target[:200].decode("ascii", errors="replace")
        told = refused(
            Denial.MALFORMED, f"{target!r} is not a request that a proxy can pass on safely."
        )
        try:
            passage.check("http", None, told, request.method.decode())
        except Refused as failed:
            await answer(peer or self.client, 400, failed, request.method)


def _unreadable(to: Endpoint, why: str) -> Decision:
    return refused(
        Denial.UNREADABLE,
        f"{to} is refused: the policy names methods there, and what came is no TLS ({why}).",
    )


def _path(text: bytes) -> bytes:
    return text if text.startswith(b"/") else b"/" + text


def _is_reusable(peer: Peer) -> bool:
    return peer.http.our_state is h11.DONE and peer.http.their_state is h11.DONE
