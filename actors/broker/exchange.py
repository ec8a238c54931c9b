"""Passes one request on and its answer back."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import h11

from actors.broker.dialer import NoConnection, Resolver, dial
from actors.broker.kept_connection import KeptConnection, Upstream
from actors.broker.passage import Passage, Refused
from actors.broker.peer import Headers, Malformed, Peer, end_to_end
from actors.broker.report import EgressEnded
from harness.domain.host_name import Endpoint
from harness.domain.redacted_flow import RedactedFlow
from harness.ports.clock import Clock

_BROKEN = (Malformed, TimeoutError, OSError, Refused, h11.LocalProtocolError)

_REPEATABLE = ("GET", "HEAD", "OPTIONS")
"""Methods whose requests, without a body, may go out twice."""
DENIED = b"ath-denied"
"""Header that says why the proxy itself refuses; no host can send it."""
_DISGUISES = {b"x-http-method-override", b"x-http-method", b"x-method-override"}
"""Headers by which servers take another method than the one that was decided on."""


class _Gone(Exception):
    """A connection of before had ended: nothing came back."""


@dataclass(slots=True)
class Exchange:
    """One request of a client, decided on by its method and host."""

    passage: Passage
    client: Peer
    request: h11.Request
    kind: str
    """`http`, or `https` for what was read from an intercepted connection."""
    to: Endpoint
    path: bytes
    resolver: Resolver
    clock: Clock
    kept: KeptConnection
    tls: ssl.SSLContext | None = None
    _upstream: Peer | None = None
    _moved: tuple[int, int] = (0, 0)
    """Bytes that its connection sent and received before."""
    _has_body: bool = True
    _status: int = 0
    _why: str = ""
    _refusal: Exception | None = None
    """What ended the sending of the request, unless the host did."""

    async def carry(self) -> None:
        """Decide, connect, pass on; a refusal or failure is answered where that is possible.

        Raises:
            ConnectionAbortedError: it broke in the middle; the client's connection is of no use.
        """
        method = self.request.method.decode()
        try:
            self.passage.begin(self.kind, self.to, method)
            used = await self._waiting(method)
            if used is not None and await self._carried(used, again=True):
                return
            used = await self._dialled(method)
        except (Refused, NoConnection) as failed:
            status = 403 if isinstance(failed, Refused) else 502
            await answer(self.client, status, failed, self.request.method)
            return
        await self._carried(used, again=False)

    async def _dialled(self, method: str) -> Upstream:
        streams = await dial(self.passage, self.resolver, self.kind, self.to, method, self.tls)
        return Upstream.dialled(self.kind, self.to, Peer.client(*streams, self.passage.bounds))

    async def _waiting(self, method: str) -> Upstream | None:
        """A connection of before, for what may be sent a second time if the host has closed it.

        Its address was found when it was made, and is decided on anew for this method.
        """
        if method not in _REPEATABLE or _has_body(self.request):
            return None
        await self.client.chunk()  # its end
        self._has_body = False
        found = await self.kept.take(self.kind, self.to)
        if found is None:
            return None
        decision = self.passage.rules.address(self.to, found.address, method)
        if not decision.is_allowed:
            found.peer.close()
            return None
        self.passage.check(self.kind, self.to, decision, method, str(found.address))
        return found

    async def _carried(self, used: Upstream, *, again: bool) -> bool:
        """Whether it is over; a connection of before may turn out to be gone."""
        begun = self.clock.monotonic()
        self._upstream = used.peer
        self._moved = (used.peer.sent, used.peer.received)
        try:
            await self._exchanged(used.peer, again=again)
        except _Gone:
            is_over = False
        else:
            is_over = True
        finally:
            self.kept.leave(used)
            self._report(self.clock.monotonic() - begun)
        if not is_over:
            self._why = ""
        return is_over

    async def _exchanged(self, upstream: Peer, *, again: bool) -> None:
        sending = asyncio.create_task(self._send(upstream))
        try:
            await self._give_back(upstream)
        except _BROKEN as broken:
            self._why = self._why or str(broken) or type(broken).__name__
            await _stopped(sending)
            if again and upstream.received == self._moved[1] and self._refusal is None:
                raise _Gone from None
            await self._told(broken)
        finally:
            await _stopped(sending)

    async def _told(self, broken: Exception) -> None:
        """Answer for a host that did not, if its answer has not begun."""
        if self._status:
            raise ConnectionAbortedError(self._why) from None
        why = self._refusal or broken
        status = 403 if isinstance(why, Refused) else 504 if isinstance(why, TimeoutError) else 502
        if status != 403 and self.passage.secrets.flow(self.to):
            # What is wrong with an answer may quote what stands in it.
            why = Malformed(f"{self.to} gave no answer that can be passed on")
        await answer(self.client, status, why, self.request.method)

    async def _send(self, upstream: Peer) -> None:
        try:
            head = self._head()
            self.passage.spend(self.kind, self.to, _size(head))
            await upstream.send(head)
            total = 0
            while self._has_body and (data := await self.client.chunk()) is not None:
                total += len(data)
                self._check(total, len(data))
                await upstream.send(h11.Data(data=data))
            await upstream.send(h11.EndOfMessage())
        except (Malformed, Refused, TimeoutError, h11.LocalProtocolError) as broken:
            self._why = str(broken) or type(broken).__name__
            self._refusal = broken
            upstream.close()  # wakes whoever waits for the answer
        except OSError:
            return  # a server may answer before it has read everything, and close

    async def _give_back(self, upstream: Peer) -> None:
        found = await upstream.response()
        self.passage.spend(self.kind, self.to, _size(found))
        flow = self.passage.secrets.flow(self.to)
        head = _cleaned(found, flow, self.request.method) if flow else _head(found)
        self._status = found.status_code
        await self.client.send(head)
        total = 0
        while (data := await upstream.chunk()) is not None:
            total += len(data)
            self._check(total, len(data))
            await self._pass(flow.take(data) if flow else data)
        await self._pass(flow.rest() if flow else b"")
        await self.client.send(h11.EndOfMessage())

    async def _pass(self, data: bytes) -> None:
        if data:
            await self.client.send(h11.Data(data=data))

    def _head(self) -> h11.Request:
        return h11.Request(method=self.request.method, target=self.path, headers=self._headers())

    def _headers(self) -> Headers:
        default = 443 if self.kind == "https" else 80
        host = str(self.to)
        if self.to.port == default:
            host = host.rpartition(":")[0]
        kept = [
            (name, value)
            for name, value in end_to_end(self.request)
            if name.lower() != b"host" and name.lower() not in _DISGUISES
        ]
        kept = self.passage.secrets.applied(self.to, self.request.method.decode(), kept)
        if any(name == b"transfer-encoding" for name, _ in self.request.headers):
            kept.append((b"Transfer-Encoding", b"chunked"))
        return [(b"Host", host.encode()), *kept]

    def _check(self, total: int, count: int) -> None:
        if total > self.passage.bounds.body_bytes:
            raise Malformed(f"a body of more than {self.passage.bounds.body_bytes} bytes")
        self.passage.spend(self.kind, self.to, count)

    def _report(self, seconds: float) -> None:
        sent, received = (
            (self._upstream.sent - self._moved[0], self._upstream.received - self._moved[1])
            if self._upstream
            else (0, 0)
        )
        self.passage.observer.ended(
            EgressEnded(
                self.passage.lease,
                self.kind,
                self.to.host,
                self.to.port,
                self._status,
                sent,
                received,
                seconds,
                self.passage.secrets.hidden(self._why),
            )
        )


async def answer(
    client: Peer,
    status: int,
    why: BaseException,
    method: bytes = b"",
    more: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Say why there is no other answer, if none has begun; the connection ends with it."""
    if client.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    body = f"{str(why) or type(why).__name__}\n".encode()
    denial = [(b"Ath-Denied", why.decision.denial.encode())] if isinstance(why, Refused) else []
    headers = [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", str(len(body)).encode()),
        (b"Connection", b"close"),
    ]
    await client.send(
        h11.Response(
            status_code=status,
            headers=[*headers, *denial, *more],
            reason=HTTPStatus(status).phrase.encode(),
        )
    )
    if method != b"HEAD":
        await client.send(h11.Data(data=body))
    await client.send(h11.EndOfMessage())


async def _stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _has_body(request: h11.Request) -> bool:
    lengths = {
        value
        for name, value in request.headers
        if name in (b"content-length", b"transfer-encoding")
    }
    return bool(lengths - {b"0"})


def _head(found: h11.Response) -> h11.Response:
    return h11.Response(
        status_code=found.status_code, headers=_passed_on(found), reason=found.reason
    )


def _passed_on(found: h11.Response) -> Headers:
    """Without what the proxy alone may say."""
    return [(name, value) for name, value in end_to_end(found) if name.lower() != DENIED]


def _cleaned(found: h11.Response, flow: RedactedFlow, method: bytes) -> h11.Response:
    """An answer's head without values of secrets, for a body whose length may change."""
    packed = [value for name, value in found.headers if name == b"content-encoding"]
    if any(value.strip().lower() != b"identity" for value in packed):
        raise Malformed("a packed answer, in which no secret can be found")
    changes = set() if method == b"HEAD" else {b"content-length"}
    headers = [
        (name, flow.redactor.whole(value))
        for name, value in _passed_on(found)
        if name.lower() not in changes
    ]
    reason = flow.redactor.whole(found.reason)
    return h11.Response(status_code=found.status_code, headers=headers, reason=reason)


def _size(head: h11.Request | h11.Response) -> int:
    """About its bytes; the line counts as its target alone."""
    target = len(head.target) if isinstance(head, h11.Request) else 0
    return target + sum(len(name) + len(value) + 4 for name, value in head.headers)
