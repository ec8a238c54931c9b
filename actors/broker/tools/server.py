"""The MCP server of one lease, on sockets that it is given."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

import h11

from actors.broker.bounds import EgressBounds
from actors.broker.connections import Connections
from actors.broker.ledger import Ledger
from actors.broker.peer import Malformed, Peer
from actors.broker.tools.bounds import ToolBounds
from actors.broker.tools.calls import ToolCalls
from actors.broker.tools.http_exchange import HttpExchange
from actors.broker.tools.record import Recording
from actors.broker.tools.tool import Tool
from harness.domain.policy import Policy
from harness.domain.redaction import Redactor
from harness.errors import Unavailable
from harness.ports.clock import Clock
from harness.ports.effects import EffectJournal

if TYPE_CHECKING:
    from actors.broker.tools.protocol import McpProtocol

_log = logging.getLogger(__name__)

PATH = "/mcp"
MOST_BODY = 1 << 20
CONNECTIONS = 32
SPARE_SECONDS = 10.0
"""For a request beside its call and the wait for its turn."""
START_SECONDS = 30.0


@dataclass(slots=True)
class ToolServer:
    """Serves one lease at `/mcp`; its tools are closed with it."""

    lease: str
    policy: Policy
    ledger: Ledger
    journal: EffectJournal
    redactor: Redactor
    clock: Clock
    tools: Sequence[Tool]
    limits: ToolBounds = field(default_factory=ToolBounds)
    bounds: EgressBounds = field(default_factory=lambda: EgressBounds(body_bytes=MOST_BODY))
    connections: Connections = field(default_factory=lambda: Connections(CONNECTIONS))
    _calls: ToolCalls = field(init=False)
    _protocol: "McpProtocol | None" = None
    _running: "asyncio.Task[None] | None" = None
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Not listening."""
        recording = Recording(self.redactor, self.limits)
        parts = (self.policy, self.ledger, self.journal, recording, self.clock)
        self._calls = ToolCalls(self.lease, *parts, self.tools, self.limits)

    async def serve(self, listener: socket.socket) -> None:
        """Serve on the lease's own socket; MCP is loaded at the first request of a process."""
        await self.connections.listen(
            listener, lambda streams: self.converse(Peer.server(*streams, self.bounds))
        )

    async def close(self) -> None:
        """End all calls, and close the tools."""
        await self.connections.close()
        self._end.set()
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        await self._calls.close()

    async def converse(self, peer: Peer) -> None:
        """Answer one client's requests, one after the other."""
        async with asyncio.timeout(self.bounds.total_seconds):
            try:
                while (request := await peer.request()) and await self._answered(peer, request):
                    peer.http.start_next_cycle()
            except Malformed as wrong:
                await _tell(peer, 400, str(wrong))
            await peer.linger()

    async def _run(self) -> None:
        """Whoever enters the protocol's context must leave it, so that is a task of its own."""
        try:
            module = await asyncio.to_thread(import_module, "actors.broker.tools.protocol")
            self._protocol = module.McpProtocol(self._calls, self.bounds.body_bytes)
            async with self._protocol.running():
                self._ready.set()
                await self._end.wait()
        finally:
            self._ready.set()

    async def _started(self) -> "McpProtocol":
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        async with asyncio.timeout(START_SECONDS):
            await self._ready.wait()
        if self._protocol is None:
            raise Unavailable("MCP could not be loaded.")
        return self._protocol

    async def _answered(self, peer: Peer, request: h11.Request) -> bool:
        """Whether the connection can carry a further request."""
        async with asyncio.timeout(2 * self.limits.call_seconds + SPARE_SECONDS):
            await self._serve(peer, request)
        return peer.http.our_state is h11.DONE and peer.http.their_state is h11.DONE

    async def _serve(self, peer: Peer, request: h11.Request) -> None:
        if request.target.partition(b"?")[0] != PATH.encode():
            await _tell(peer, 404, f"There is {PATH} here and nothing else.")
            return
        if request.method != b"POST":
            await _tell(peer, 405, "Send POST.", [(b"Allow", b"POST")])
            return
        body = await self._body(peer)
        if body is None:
            await _tell(peer, 413, f"The body has more than {self.bounds.body_bytes} bytes.")
            return
        try:
            protocol = await self._started()
            await protocol.answer(HttpExchange(peer, request, body))
        except (Malformed, OSError, TimeoutError, h11.LocalProtocolError):
            raise
        except Exception as broken:
            # The package's own mistake must not end the server; its words may hold anything.
            _log.error("a request broke", extra={"error": type(broken).__name__})
            await _tell(peer, 500, "The server broke at this request.")

    async def _body(self, peer: Peer) -> bytes | None:
        parts: list[bytes] = []
        size = 0
        while (part := await peer.chunk()) is not None:
            size += len(part)
            if size > self.bounds.body_bytes:
                return None
            parts.append(part)
        return b"".join(parts)


async def _tell(
    peer: Peer, status: int, message: str, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    if peer.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    data = f"{message}\n".encode()
    headers = [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", str(len(data)).encode()),
        *more,
    ]
    await peer.send(h11.Response(status_code=status, headers=headers))
    with contextlib.suppress(h11.LocalProtocolError):  # nothing may follow an answer to HEAD
        await peer.send(h11.Data(data=data))
        await peer.send(h11.EndOfMessage())
