"""An HTTP client that has no way out but its lease's egress proxy."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import h11

from actors.broker.bounds import EgressBounds
from actors.broker.exchange import DENIED
from actors.broker.passage import Refused
from actors.broker.peer import Headers, Malformed, Peer, end_to_end
from harness.domain.decision import Denial, refused
from harness.domain.host_name import Endpoint
from harness.errors import InvalidInput, Unavailable

Connect: TypeAlias = Callable[[], Awaitable[socket.socket]]
"""A connection to the lease's proxy."""

_MOST_REASON = 2_000


@dataclass(frozen=True, slots=True)
class HttpQuestion:
    """One request."""

    method: str
    is_secure: bool
    to: Endpoint
    path: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    is_cut: bool = False
    """There was more."""


@dataclass(frozen=True, slots=True)
class LeaseClient:
    """Asks one question per connection; follows nothing, decodes nothing, keeps nothing."""

    connect: Connect
    is_read: Callable[[Endpoint], bool]
    """Whether the proxy itself answers for this host over HTTPS; elsewhere the host does."""
    tls: Callable[[], ssl.SSLContext]
    """Verifies hosts, also where the proxy presents a certificate of its own."""
    bounds: EgressBounds = field(default_factory=EgressBounds)

    async def ask(self, question: HttpQuestion, most_bytes: int) -> HttpReply:
        """The reply, with at most that much of its body.

        Raises:
            Refused: the lease's policy or budget does not allow it.
            Unavailable: the host, or its certificate, cannot be trusted to have answered.
            InvalidInput: it is no request that HTTP knows.
        """
        end = await self.connect()
        reader, writer = await asyncio.open_connection(sock=end)
        try:
            return await self._asked(question, reader, writer, most_bytes)
        except h11.LocalProtocolError as wrong:
            raise InvalidInput(f"That cannot be sent: {wrong}.") from None
        except (Malformed, OSError) as broken:
            raise Unavailable(f"{question.to} gave no answer: {broken}.") from None
        finally:
            writer.transport.abort()

    async def _asked(
        self,
        question: HttpQuestion,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        most_bytes: int,
    ) -> HttpReply:
        target = question.path
        if question.is_secure:
            await self._tunnelled(question.to, Peer.client(reader, writer, self.bounds))
            tls = await asyncio.to_thread(self.tls)
            async with asyncio.timeout(self.bounds.connect_seconds):
                await writer.start_tls(tls, server_hostname=question.to.host)
        else:
            target = f"http://{question.to}{target}"
        peer = Peer.client(reader, writer, self.bounds)
        await peer.send(_head(question, target))
        if question.body:
            await peer.send(h11.Data(data=question.body))
        await peer.send(h11.EndOfMessage())
        found = await peer.response()
        decides = not question.is_secure or self.is_read(question.to)
        return await _read(found, peer, most_bytes, decides=decides)

    async def _tunnelled(self, to: Endpoint, peer: Peer) -> None:
        host = str(to).encode()
        await peer.send(h11.Request(method="CONNECT", target=host, headers=[(b"Host", host)]))
        await peer.send(h11.EndOfMessage())
        found = await peer.response()
        if found.status_code != 200:
            reply = await _read(found, peer, _MOST_REASON, decides=True)
            raise Unavailable(reply.body.decode(errors="replace").strip())


def _head(question: HttpQuestion, target: str) -> h11.Request:
    default = 443 if question.is_secure else 80
    name = str(question.to)
    host = name.rpartition(":")[0] if question.to.port == default else name
    headers: Headers = [(b"Host", host.encode())]
    headers += [(name.encode(), value.encode()) for name, value in question.headers]
    if question.body or question.method in {"POST", "PUT", "PATCH"}:
        headers.append((b"Content-Length", str(len(question.body)).encode()))
    headers.append((b"Connection", b"close"))
    return h11.Request(method=question.method, target=target, headers=headers)


async def _read(found: h11.Response, peer: Peer, most_bytes: int, *, decides: bool) -> HttpReply:
    """`decides` where a header that says that it was refused can be the proxy's alone."""
    parts: list[bytes] = []
    room, is_cut = most_bytes, False
    while (part := await peer.chunk()) is not None:
        parts.append(part[:room])
        room -= len(parts[-1])
        if len(parts[-1]) < len(part):
            is_cut = True
            break
    body = b"".join(parts)
    denial = next((value for name, value in found.headers if name == DENIED), None)
    if denial is not None and decides:
        raise Refused(refused(Denial(denial.decode()), body.decode(errors="replace").strip()))
    headers = [
        (name.decode().lower(), value.decode("latin-1")) for name, value in end_to_end(found)
    ]
    return HttpReply(found.status_code, headers, body, is_cut)
