"""Resolves a name once and connects to an address that was checked, never to the name again."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any, Protocol

from actors.broker.connections import Streams
from actors.broker.passage import Passage
from actors.broker.report import EgressEnded
from harness.domain.decision import Decision
from harness.domain.host_name import Address, Endpoint, address_of
from harness.errors import Unavailable

RESOLVING_THREADS = 8


class Resolver(Protocol):
    """Gives the addresses of names."""

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """All that are known; raises OSError where none is."""
        ...

    def close(self) -> None:
        """Nothing is asked any more."""
        ...


class SystemResolver:
    """As this machine resolves names, in threads of its own: names may take as long as they like.

    Whoever gives names that nobody resolves holds up other names, and nothing else of the process.
    """

    def __init__(self) -> None:
        """Threads start with the first names."""
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, "resolving")

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """All that are known; raises OSError where none is."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, _looked_up, host, port
        )
        return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]

    def close(self) -> None:
        """Nothing is asked any more; who asks still is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _looked_up(host: str, port: int) -> "Sequence[tuple[Any, ...]]":  # Any: by kind of address
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)


class NoConnection(Unavailable):
    """A host that is allowed cannot be reached."""

    code = "no_connection"


async def dial(
    passage: Passage,
    resolver: Resolver,
    kind: str,
    to: Endpoint,
    method: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> Streams:
    """A connection to an allowed address of the host.

    Raises:
        Refused: none of its addresses is allowed; it was reported.
        NoConnection: the name leads nowhere, or nothing answers in time; it was reported.
    """
    try:
        return await _dialled(passage, resolver, kind, to, method, tls)
    except NoConnection as failed:
        passage.observer.ended(
            EgressEnded(passage.lease, kind, to.host, to.port, 0, 0, 0, 0.0, str(failed))
        )
        raise


async def _dialled(
    passage: Passage,
    resolver: Resolver,
    kind: str,
    to: Endpoint,
    method: str | None,
    tls: ssl.SSLContext | None,
) -> Streams:
    try:
        async with asyncio.timeout(passage.bounds.connect_seconds):
            try:
                found = await _addresses(resolver, to)
            except (NoConnection, asyncio.CancelledError):
                # Without an address it is allowed as far as can be known.
                passage.check(kind, to, Decision(), method or "")
                raise
            allowed = _allowed(passage, kind, to, found[: passage.bounds.addresses], method)
            return await _connected(passage, to, allowed, tls)
    except TimeoutError:
        raise NoConnection(
            f"{to} did not answer within {passage.bounds.connect_seconds:g} s."
        ) from None


async def _addresses(resolver: Resolver, to: Endpoint) -> Sequence[Address]:
    address = address_of(to.host)
    if address is not None:
        return [address]
    try:
        found = await resolver.addresses(to.host, to.port)
    except (OSError, UnicodeError) as failed:
        raise NoConnection(f"The name {to.host} leads nowhere: {failed}") from None
    if not found:
        raise NoConnection(f"The name {to.host} leads nowhere.")
    return list(dict.fromkeys(found))


def _allowed(
    passage: Passage, kind: str, to: Endpoint, found: Sequence[Address], method: str | None
) -> list[Address]:
    """Those that the rules allow; a refusal of them all is that of the first."""
    decisions = [passage.rules.address(to, each, method) for each in found]
    allowed = [each for each, told in zip(found, decisions, strict=True) if told.is_allowed]
    if allowed:
        passage.check(kind, to, Decision(), method or "", str(allowed[0]))
    else:
        passage.check(kind, to, decisions[0], method or "", str(found[0]))
    return allowed


async def _connected(
    passage: Passage, to: Endpoint, allowed: Sequence[Address], tls: ssl.SSLContext | None
) -> Streams:
    failed: OSError | None = None
    name = to.host if tls else None
    for address in allowed:
        try:
            return await asyncio.open_connection(
                str(address),
                to.port,
                ssl=tls,
                server_hostname=name,
                limit=passage.bounds.head_bytes,
            )
        except OSError as failure:  # TLS failures are of this kind too
            failed = failure
    raise NoConnection(f"{to} cannot be reached: {failed}")
