"""One end of an HTTP/1 connection, parsed by h11, with deadlines and bounds."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TypeAlias

import h11

from actors.broker.bounds import EgressBounds

Headers: TypeAlias = list[tuple[bytes, bytes]]

CHUNK = 64 << 10
_LINGER_SECONDS = 2.0
_LINGER_CHUNKS = 64
_OF_ONE_CONNECTION = {
    *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization"),
    *(b"proxy-authenticate", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect"),
}


class Malformed(Exception):
    """What came in is not HTTP as it may be spoken here."""


@dataclass(slots=True)
class Peer:
    """Reads and writes messages; not for several readers at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    bounds: EgressBounds
    http: h11.Connection
    received: int = 0
    sent: int = 0

    @classmethod
    def server(
        cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bounds: EgressBounds
    ) -> "Peer":
        """The end that answers."""
        return cls(reader, writer, bounds, h11.Connection(h11.SERVER, bounds.head_bytes))

    @classmethod
    def client(
        cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bounds: EgressBounds
    ) -> "Peer":
        """The end that asks."""
        return cls(reader, writer, bounds, h11.Connection(h11.CLIENT, bounds.head_bytes))

    async def request(self) -> h11.Request | None:
        """The next request; None when the client has no more.

        Raises:
            Malformed: it is none, did not come whole in time, or its length is told in two ways.
            TimeoutError: nothing came.
        """
        if not self.http.trailing_data[0] and not await self._more(self.bounds.idle_seconds):
            return None
        try:
            async with asyncio.timeout(self.bounds.head_seconds):
                event = await self._event()
        except TimeoutError:
            raise Malformed(f"no whole head within {self.bounds.head_seconds:g} s") from None
        if isinstance(event, h11.ConnectionClosed):
            return None
        if not isinstance(event, h11.Request):
            raise Malformed("no request")
        self._check_size(event)
        names = [name for name, _ in event.headers]
        if b"transfer-encoding" in names and b"content-length" in names:
            raise Malformed("both Content-Length and Transfer-Encoding")
        if names.count(b"host") > 1:
            raise Malformed("more than one Host")
        return event

    async def response(self) -> h11.Response:
        """The answer's head; interim answers are passed over.

        Raises:
            Malformed: it is none, or the connection ended.
            TimeoutError: nothing came in time.
        """
        async with asyncio.timeout(self.bounds.idle_seconds):
            while True:
                event = await self._event()
                if isinstance(event, h11.Response):
                    self._check_size(event)
                    return event
                if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
                    raise Malformed("no answer")

    async def chunk(self) -> bytes | None:
        """The next part of the body; None at its end.

        Raises:
            Malformed: it is broken, cut short, or larger than bodies may be.
            TimeoutError: nothing came in time.
        """
        if self.http.they_are_waiting_for_100_continue:
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))
        async with asyncio.timeout(self.bounds.idle_seconds):
            event = await self._event()
        if isinstance(event, h11.EndOfMessage):
            return None
        if not isinstance(event, h11.Data):
            raise Malformed("the body was cut short")
        return bytes(event.data)

    async def parted(self) -> None:
        """Returns when the other end has nothing more to say; what it says is kept for later."""
        while len(self.http.trailing_data[0]) < CHUNK:
            data = await self.reader.read(CHUNK)
            if not data:
                return
            self.received += len(data)
            self.http.receive_data(data)
        await asyncio.Event().wait()  # enough is kept; whoever waits has a deadline

    async def send(self, event: h11.Event) -> None:
        """Send a part of a message.

        Raises:
            TimeoutError: the other end takes nothing.
        """
        data = self.http.send(event)
        if data:
            self.sent += len(data)
            self.writer.write(data)
            transport = self.writer.transport
            if not transport.get_write_buffer_size() and not transport.is_closing():
                return  # as almost always; a deadline costs as much as all of the rest
            async with asyncio.timeout(self.bounds.idle_seconds):
                await self.writer.drain()

    async def linger(self) -> None:
        """Say that nothing more comes, and let the other end take what was sent.

        Closing with unread bytes would take the answer back that was just given.
        """
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_LINGER_SECONDS):
                if self.writer.can_write_eof():
                    self.writer.write_eof()
                else:
                    self.writer.close()
                    await self.writer.wait_closed()
                for _ in range(_LINGER_CHUNKS):
                    if not await self.reader.read(CHUNK):
                        return

    def close(self) -> None:
        """Give the connection back, whatever is under way."""
        self.writer.transport.abort()

    def _check_size(self, head: h11.Request | h11.Response) -> None:
        if len(head.headers) > self.bounds.headers:
            raise Malformed(f"more than {self.bounds.headers} headers")
        if sum(len(name) + len(value) for name, value in head.headers) > self.bounds.head_bytes:
            raise Malformed(f"headers of more than {self.bounds.head_bytes} bytes")

    async def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            while (event := self.http.next_event()) is h11.NEED_DATA:
                if not await self._more(self.bounds.idle_seconds):
                    self.http.receive_data(b"")
        except h11.RemoteProtocolError as wrong:
            raise Malformed(str(wrong)) from None
        return event

    async def _more(self, seconds: float) -> bool:
        async with asyncio.timeout(seconds):
            data = await self.reader.read(CHUNK)
        self.received += len(data)
        if data:
            self.http.receive_data(data)
        return bool(data)


def end_to_end(message: h11.Request | h11.Response) -> Headers:
    """The headers that are meant for the other end, not for this connection."""
    named = {
        word.strip().lower()
        for name, value in message.headers
        if name == b"connection"
        for word in value.split(b",")
    }
    # A body's length is no matter of a single connection, whatever is said.
    dropped = (_OF_ONE_CONNECTION | named) - {b"content-length", b"host"}
    return [
        (name, value) for name, value in message.headers.raw_items() if name.lower() not in dropped
    ]
