"""The host's end of a socket to a suite: one JSON object a line."""

import asyncio
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.domain.redaction import Redactor
from harness.errors import Unavailable

_OURS = {"ev", "worker", "files"}
"""Fields that the injected package and the host agree on; files are named anew by the host."""
LINE_BYTES = 64 << 20
"""A collection of some hundred thousand tests still fits; after a larger line nothing is read."""
_NO_TEXT = (b"\\ud", b"\\uD", b"\\u0000")
"""Marks of half a character, and of the one that PostgreSQL does not store."""


@dataclass(slots=True)
class Wire:
    """Messages in both directions."""

    _socket: socket.socket
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    _redactor: Redactor

    @classmethod
    async def open(
        cls, end: socket.socket, redactor: Redactor, line_bytes: int = LINE_BYTES
    ) -> "Wire":
        """Take over one end of a socket pair; what comes out of it holds no secret."""
        # A second descriptor of the same socket, because asyncio's transport cannot send any.
        spare = end.dup()
        reader, writer = await asyncio.open_connection(sock=end, limit=line_bytes)
        return cls(spare, reader, writer, redactor)

    def send(self, message: Mapping[str, object], fd: socket.socket | None = None) -> None:
        """Send a message, with a descriptor if need be; small enough never to block."""
        line = json.dumps(message).encode() + b"\n"
        if fd is None:
            if not self._writer.is_closing():
                self._writer.write(line)
            return
        try:
            socket.send_fds(self._socket, [line], [fd.fileno()])
        except OSError as gone:
            raise Unavailable("The suite's process ended.") from gone

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None at the end. Any: JSON of our own injected package."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        except ValueError:
            why = f"The suite sent a message of more than {LINE_BYTES >> 20} MiB. Split it."
            return {"ev": "overlong", "why": why}
        try:
            found = json.loads(line) if line.endswith(b"\n") else None
        except (ValueError, RecursionError):
            return None
        if any(mark in line for mark in _NO_TEXT):
            found = _storable(found)
        return self._clean(found) if isinstance(found, dict) else None

    def _clean(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._redactor.hides_nothing:
            return message
        return {
            name: value if name in _OURS else self._redactor.value(value)
            for name, value in message.items()
        }

    async def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        self._writer.close()


def _storable(value: Any) -> Any:  # Any: JSON
    """The same with what no store takes for text replaced: one such character ended a run."""
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\0", "\u2400")
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value
