"""Passes bytes both ways without reading them."""

import asyncio

from actors.broker.connections import Streams
from actors.broker.passage import Passage, Refused
from actors.broker.peer import CHUNK
from actors.broker.report import EgressEnded
from actors.broker.server_name import server_name
from harness.domain.decision import Denial, refused
from harness.domain.host_name import Endpoint, address_of, host_name
from harness.errors import InvalidInput
from harness.ports.clock import Clock

MOST_PIECES = 64
"""In which a client's first message may come; it is read anew with each."""


class Tunnel:
    """Between a client and the host that it was allowed to reach."""

    def __init__(self, passage: Passage, kind: str, to: Endpoint, clock: Clock) -> None:
        """Not yet carrying."""
        self.passage, self.kind, self.to, self.clock = passage, kind, to, clock
        self._counts = {"out": 0, "in": 0}
        self._patience = asyncio.timeout(None)
        self._why = ""

    async def carry(self, client: Streams, upstream: Streams, first: bytes = b"") -> None:
        """Until both ends have nothing more, one breaks, the budget is spent or nothing moves."""
        begun = self.clock.monotonic()
        try:
            async with asyncio.timeout(self.passage.bounds.idle_seconds) as self._patience:
                async with asyncio.TaskGroup() as ways:
                    ways.create_task(self._pass(client[0], upstream[1], "out", first))
                    ways.create_task(self._pass(upstream[0], client[1], "in"))
        except TimeoutError:
            self._why = "nothing moved"
        except ExceptionGroup as broken:
            expected, others = broken.split((Refused, OSError))
            if others is not None:
                raise others from None
            self._why = str(expected.exceptions[0]) if expected else ""
        finally:
            for _, writer in (client, upstream):
                writer.transport.abort()
            self._report(self.clock.monotonic() - begun)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        way: str,
        first: bytes = b"",
    ) -> None:
        data = first or await reader.read(CHUNK)
        if way == "out" and self.kind == "tunnel":
            data = await self._checked(reader, data)
        while data:
            self.passage.spend(self.kind, self.to, len(data))
            self._counts[way] += len(data)
            self._moved()
            writer.write(data)
            await writer.drain()
            data = await reader.read(CHUNK)
        await _flushed(writer)

    async def _checked(self, reader: asyncio.StreamReader, data: bytes) -> bytes:
        """A client's first bytes, unless its TLS is meant for another host than it connected to.

        Servers with many names would pass it on to that one. Who allows an address allows all that
        answers there.
        """
        if address_of(self.to.host) is not None:
            return data
        try:
            pieces = 1
            while data and not (found := server_name(data)).is_known:
                if not (more := await reader.read(CHUNK)):
                    return data
                data += more
                pieces += 1
                if pieces > MOST_PIECES:
                    raise InvalidInput("its first message comes in too many pieces")
            if data and found.name is not None and host_name(found.name) != self.to.host:
                raise InvalidInput(f"its TLS asks for {found.name[:253]!r}")
        except InvalidInput as wrong:
            told = f"The tunnel to {self.to} is refused: {wrong}."
            self.passage.check(self.kind, self.to, refused(Denial.MALFORMED, told))
        return data

    def _moved(self) -> None:
        if not self._patience.expired():
            now = asyncio.get_running_loop().time()
            self._patience.reschedule(now + self.passage.bounds.idle_seconds)

    def _report(self, seconds: float) -> None:
        self.passage.observer.ended(
            EgressEnded(
                self.passage.lease,
                self.kind,
                self.to.host,
                self.to.port,
                0,
                self._counts["out"],
                self._counts["in"],
                seconds,
                self._why,
            )
        )


async def _flushed(writer: asyncio.StreamWriter) -> None:
    """Send the rest and the end, before an abort could take them back."""
    transport = writer.transport
    transport.set_write_buffer_limits(0)
    await writer.drain()
    if transport.can_write_eof():
        transport.write_eof()
