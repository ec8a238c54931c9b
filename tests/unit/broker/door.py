"""An egress proxy on loopback, with hosts that lie behind it."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from actors.broker.authority import Authority
from actors.broker.bounds import EgressBounds
from actors.broker.ledger import Ledger
from actors.broker.passage import Passage
from actors.broker.proxy import EgressProxy
from actors.broker.report import EgressDecided, EgressEnded
from actors.broker.secret_headers import SecretHeaders
from harness.domain.account import Account, Budget
from harness.domain.address_range import AddressRanges
from harness.domain.decision import Denial
from harness.domain.host_name import Address
from harness.domain.host_rule import HostPattern, HostRule
from harness.domain.http_secret import HttpSecret
from harness.domain.network_policy import NetworkPolicy
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy

LOOPBACK = AddressRanges.parse(["127.0.0.0/8"])


@dataclass(slots=True)
class Names:
    """Resolves what the test says, and counts."""

    known: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        if host not in self.known:
            raise OSError("no such name")
        return [ip_address(each) for each in self.known[host]]

    def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class Notes:
    """Keeps what the proxy tells."""

    decisions: list[EgressDecided] = field(default_factory=list)
    ends: list[EgressEnded] = field(default_factory=list)

    def decided(self, what: EgressDecided) -> None:
        self.decisions.append(what)

    def ended(self, what: EgressEnded) -> None:
        self.ends.append(what)

    @property
    def denials(self) -> list[Denial]:
        return [each.decision.denial for each in self.decisions if not each.decision.is_allowed]


@dataclass(slots=True)
class Door:
    """What a test holds."""

    proxy: EgressProxy
    port: int
    notes: Notes
    names: Names
    ledger: Ledger
    authority: Authority | None

    async def say(self, *parts: bytes, until_eof: bool = True) -> bytes:
        """What the proxy answers to these bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
            if until_eof:
                writer.write_eof()
        try:
            async with asyncio.timeout(5):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()


def rule(
    host: str = "app.example", ports: Sequence[int] | None = None, methods: Sequence[str] = ()
) -> HostRule:
    return HostRule(
        HostPattern.parse(host),
        None if ports is None else frozenset(ports),
        frozenset(methods) or None,
        LOOPBACK,
    )


@contextlib.asynccontextmanager
async def door(
    *rules: HostRule,
    names: dict[str, list[str]] | None = None,
    budget: Budget | None = None,
    bounds: EgressBounds | None = None,
    upstream_tls: ssl.SSLContext | None = None,
    reads: bool = False,
    secrets: Sequence[HttpSecret] = (),
    values: Mapping[str, str] | None = None,
) -> AsyncIterator[Door]:
    """A proxy with one lease on a socket of its own; it resolves `app.example` to loopback."""
    found = Names({"app.example": ["127.0.0.1"], **(names or {})})
    notes, clock = Notes(), SystemClock()
    proxy = EgressProxy(clock, found, upstream_tls)
    ledger = Ledger(Account(budget or Budget()), SystemEntropy())
    authority = Authority(clock) if reads else None
    network = NetworkPolicy.allowing(rules or [rule()], secrets)
    passage = Passage(
        "lease",
        network,
        ledger,
        notes,
        bounds or EgressBounds(),
        authority,
        SecretHeaders.of(network, values or {}),
    )
    proxy.admit(passage, "token")
    listener = socket.create_server(("127.0.0.1", 0))
    await proxy.serve("lease", listener)
    try:
        yield Door(proxy, listener.getsockname()[1], notes, found, ledger, authority)
    finally:
        await proxy.close()


@dataclass(slots=True)
class Host:
    """A server behind the proxy."""

    port: int
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def at(self) -> bytes:
        return b"app.example:%d" % self.port


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def host(
    answer: bytes = OK, tls: ssl.SSLContext | None = None, serve: Serve | None = None
) -> AsyncIterator[Host]:
    """A server that keeps each request and answers the same."""
    kept = Host(0)

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            if serve is not None:
                await serve(reader, writer)
                writer.close()
                return
            kept.connections += 1
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                kept.heads.append(head)
                length = re.search(rb"(?i)content-length: (\d+)", head)
                kept.bodies.append(await reader.readexactly(int(length[1]) if length else 0))
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0, ssl=tls)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
