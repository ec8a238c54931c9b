"""Lets an ASGI application answer one request of a broker's peer."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import h11

from actors.broker.peer import Peer

Message: TypeAlias = MutableMapping[str, Any]  # Any: as ASGI has it
AsgiApp: TypeAlias = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


@dataclass(slots=True)
class HttpExchange:
    """A request whose body has been read, and the connection for its answer."""

    peer: Peer
    request: h11.Request
    body: bytes
    _is_read: bool = False

    async def carry(self, app: AsgiApp) -> None:
        """Have it answered."""
        await app(self._scope(), self._receive, self._send)

    def _scope(self) -> Message:
        path, _, query = self.request.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": self.request.http_version.decode(),
            "method": self.request.method.decode(),
            "scheme": "http",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(self.request.headers),
            "client": None,
            "server": None,
        }

    async def _receive(self) -> Message:
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.peer.parted()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            await self.peer.send(h11.Response(status_code=message["status"], headers=headers))
            return
        if message.get("body"):
            await self.peer.send(h11.Data(data=bytes(message["body"])))
        if not message.get("more_body", False):
            await self.peer.send(h11.EndOfMessage())
