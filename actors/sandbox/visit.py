"""Asks an HTTP server inside a sandbox, over a connection that leads nowhere else."""

import asyncio

import h11

from actors.broker.bounds import EgressBounds
from actors.broker.peer import Malformed, Peer
from actors.sandbox.sandbox import Sandbox
from harness.domain.sandbox_visit import (
    MOST_ANSWERED_BYTES,
    VISIT_SECONDS,
    Visit,
    Visited,
    sent_inside,
    told_outside,
)
from harness.errors import TooLarge, Unavailable

HEAD_BYTES = 32 << 10
_BOUNDS = EgressBounds(head_bytes=HEAD_BYTES, idle_seconds=VISIT_SECONDS)


async def visited(sandbox: Sandbox, port: int, visit: Visit) -> Visited:
    """See `SandboxNode.visit`."""
    visit.check()
    try:
        async with asyncio.timeout(VISIT_SECONDS):
            connection = await sandbox.connect(port)
            reader, writer = await asyncio.open_connection(sock=connection)
            peer = Peer.client(reader, writer, _BOUNDS)
            try:
                return await _asked(peer, port, visit)
            finally:
                peer.close()
    except (OSError, Malformed, h11.LocalProtocolError) as trouble:
        what = str(trouble) or f"it did not answer within {VISIT_SECONDS:.0f} seconds"
        raise Unavailable(f"Port {port} of the sandbox: {what}.") from trouble


async def _asked(peer: Peer, port: int, visit: Visit) -> Visited:
    said = [("Host", f"localhost:{port}"), *sent_inside(visit.headers)]
    if visit.body or visit.method not in {"GET", "HEAD", "OPTIONS"}:
        said.append(("Content-Length", str(len(visit.body))))
    said.append(("Connection", "close"))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said]
    await peer.send(h11.Request(method=visit.method, target=visit.target, headers=headers))
    if visit.body:
        await peer.send(h11.Data(data=visit.body))
    await peer.send(h11.EndOfMessage())
    head = await peer.response()
    if not 200 <= head.status_code < 600:
        raise Malformed(f"status {head.status_code}")
    body = bytearray()
    while (piece := await peer.chunk()) is not None:
        body += piece
        if len(body) > MOST_ANSWERED_BYTES:
            raise TooLarge(
                f"Port {port} of the sandbox answers more than {MOST_ANSWERED_BYTES} bytes."
            )
    heard = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
    return Visited(head.status_code, told_outside(heard), bytes(body))
