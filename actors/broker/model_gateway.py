"""The OpenAI API for one lease: decides by policy, reserves budget, asks the provider, settles."""

import asyncio
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import h11

from actors.broker.bounds import EgressBounds
from actors.broker.connections import Connections
from actors.broker.ledger import Ledger
from actors.broker.model_call import ModelCall, ModelUsage, usage_of
from actors.broker.model_provider import ModelAnswer, ModelProvider, NotAsked
from actors.broker.model_said import ModelSaid
from actors.broker.model_stream import ModelStream
from actors.broker.peer import Malformed, Peer
from harness.domain.account import Measure
from harness.domain.decision import Denial, refused
from harness.domain.policy import Policy
from harness.domain.price import Price
from harness.errors import HarnessError, InvalidInput, QuotaExceeded, Unavailable
from harness.events.canonical import Json
from harness.events.effect import Effect, EffectKind
from harness.ports.effects import EffectJournal

MOST_BODY = 16 << 20
MOST_ANSWER = 32 << 20
CALL_SECONDS = 900.0
CONNECTIONS = 32
MOST_NAME = 200
KINDS = ("chat/completions", "embeddings")


@dataclass(slots=True)
class ModelGateway:
    """Serves one lease; programs reach it as `OPENAI_BASE_URL`."""

    policy: Policy
    ledger: Ledger
    providers: Mapping[str, ModelProvider]
    """By the first part of a model's name."""
    journal: EffectJournal
    missing: Mapping[str, str] = field(default_factory=dict)
    """Why a provider is not there, by its name."""
    bounds: EgressBounds = field(default_factory=lambda: EgressBounds(body_bytes=MOST_BODY))
    connections: Connections = field(default_factory=lambda: Connections(CONNECTIONS))

    async def serve(self, listener: socket.socket) -> None:
        """Serve on the lease's own socket."""
        await self.connections.listen(
            listener, lambda streams: self.converse(Peer.server(*streams, self.bounds))
        )

    async def close(self) -> None:
        """End all calls."""
        await self.connections.close()

    async def converse(self, peer: Peer) -> None:
        """Answer one client's requests, one after the other."""
        async with asyncio.timeout(self.bounds.total_seconds):
            try:
                while (request := await peer.request()) and await self._answered(peer, request):
                    peer.http.start_next_cycle()
            except Malformed as wrong:
                await _tell(peer, 400, "invalid_request", str(wrong))
            await peer.linger()

    async def _answered(self, peer: Peer, request: h11.Request) -> bool:
        """Whether the connection can carry a further request."""
        async with asyncio.timeout(CALL_SECONDS):
            await self._serve(peer, request)
        return peer.http.our_state is h11.DONE and peer.http.their_state is h11.DONE

    async def _serve(self, peer: Peer, request: h11.Request) -> None:
        kind = request.target.decode("ascii").partition("?")[0].removeprefix("/v1/")
        if request.method != b"POST" or kind not in KINDS:
            told = f"There is POST /v1/{' and POST /v1/'.join(KINDS)} here."
            await _tell(peer, 404, "not_found", told)
            return
        try:
            call = ModelCall.parse(kind, await self._body(peer))
            await self._carry(peer, call)
        except InvalidInput as wrong:
            await _tell(peer, 400, "invalid_request", str(wrong))
        except QuotaExceeded as spent:
            # No 429: clients would try again and again what cannot succeed.
            self._refuse(call, Denial.BUDGET, str(spent))
            await _tell(peer, 403, "budget_exceeded", str(spent))
        except HarnessError as failed:
            await _tell(peer, 502, failed.code, str(failed))

    async def _body(self, peer: Peer) -> bytes:
        parts: list[bytes] = []
        size = 0
        while (part := await peer.chunk()) is not None:
            size += len(part)
            if size > self.bounds.body_bytes:
                raise InvalidInput(f"The body has more than {self.bounds.body_bytes} bytes.")
            parts.append(part)
        return b"".join(parts)

    async def _carry(self, peer: Peer, call: ModelCall) -> None:
        decision = self.policy.model(call.model)
        provider = self.providers.get(call.provider)
        if decision.is_allowed and provider is None:
            decision = refused(Denial.MODEL, self._no_provider(call.provider))
        if provider is None or not decision.is_allowed:
            self._refuse(call, decision.denial, decision.reason)
            await _tell(peer, 403, "policy_denied", decision.reason)
            return
        price = provider.price(call.model.partition("/")[2])
        most = call.most(self._room(price))
        reservation = self.ledger.reserve(most.amounts(price))
        try:
            number = self.journal.begin(_effect(call))
        except QuotaExceeded:
            self.ledger.release(reservation)
            raise
        exchange = _Exchange(peer, call, most)
        try:
            await exchange.carry(provider, bounded=self._is_limited)
        except NotAsked:
            exchange.was_asked = False
            raise
        finally:
            used, is_estimated = exchange.used()
            amounts = used.amounts(price)
            self.ledger.settle(reservation, amounts)
            told = exchange.told(used, is_estimated=is_estimated)
            cost: Json = amounts[Measure.COST]
            self.journal.end(number, {**told, "cost_millionths": cost}, exchange.error)

    def _no_provider(self, name: str) -> str:
        known = ", ".join(sorted(self.providers)) or "none"
        return self.missing.get(name, f"There is no provider {name[:80]!r}; there are: {known}.")

    @property
    def _is_limited(self) -> bool:
        limits = self.ledger.account.budget.limits
        return Measure.TOKENS in limits or Measure.COST in limits

    def _room(self, price: Price) -> int | None:
        """Tokens that the budget has for a prompt and its completion; None without limit."""
        account = self.ledger.account
        tokens, cost = account.left(Measure.TOKENS), account.left(Measure.COST)
        dearest = max(price.prompt, price.completion)
        affordable = None if cost is None or not dearest else cost * 1_000_000 // dearest
        return min((each for each in (tokens, affordable) if each is not None), default=None)

    def _refuse(self, call: ModelCall, denial: Denial, reason: str) -> None:
        self.journal.refuse(_effect(call), refused(denial, reason))


@dataclass(slots=True)
class _Exchange:
    """One call to a provider and its answer on the way back."""

    peer: Peer
    call: ModelCall
    most: ModelUsage
    status: int = 0
    was_asked: bool = True
    _usage: ModelUsage | None = None
    _said: ModelSaid = field(default_factory=ModelSaid)
    _is_over: bool = False

    @property
    def error(self) -> str:
        """What kind of trouble there was; empty for none."""
        if not self._is_over:
            return "broken" if self.was_asked else "not_asked"
        return "provider" if self.status >= 400 else ""

    def told(self, used: ModelUsage, *, is_estimated: bool) -> dict[str, Json]:
        """What came of it, for the journal."""
        tokens: dict[str, Json] = {"prompt": used.prompt, "completion": used.completion}
        told: dict[str, Json] = {"status": self.status, "tokens": tokens}
        if is_estimated:
            # The provider did not tell what was used; the reservation counts in full.
            told["is_estimated"] = True
        return told | {"choices": self._said.plain()}

    def used(self) -> tuple[ModelUsage, bool]:
        """What it used, and whether that is the bound for want of a better number."""
        if self.status >= 400 or not self.was_asked:
            return ModelUsage(), False
        return (self.most, True) if self._usage is None else (self._usage, False)

    async def carry(self, provider: ModelProvider, *, bounded: bool) -> None:
        """Ask, and pass on."""
        body = self.call.upstream(self.most, bounded=bounded)
        async with provider.call(self.call.kind, body) as answer:
            self.status = answer.status
            if answer.content_type.startswith("text/event-stream"):
                await self._stream(answer)
            else:
                await self._whole(answer)
        self._is_over = True

    async def _whole(self, answer: ModelAnswer) -> None:
        parts: list[bytes] = []
        size = 0
        async for part in answer.parts:
            size += len(part)
            if size > MOST_ANSWER:
                raise Unavailable(f"The model's answer has more than {MOST_ANSWER} bytes.")
            parts.append(part)
        data = b"".join(parts)
        try:
            told = json.loads(data)
        except (ValueError, RecursionError):
            told = None
        self._usage = usage_of(told)
        self._said.take(told)
        await _send(self.peer, answer.status, "application/json", data)

    async def _stream(self, answer: ModelAnswer) -> None:
        stream = ModelStream(self.call.wants_usage, said=self._said)
        headers = [(b"Content-Type", b"text/event-stream"), (b"Cache-Control", b"no-store")]
        await self.peer.send(h11.Response(status_code=answer.status, headers=headers))
        size = 0
        async for part in answer.parts:
            size += len(part)
            if size > MOST_ANSWER:
                raise Malformed("an endless answer")
            passed = _read(stream, part)
            self._usage = stream.usage
            if passed:
                await self.peer.send(h11.Data(data=passed))
        if not stream.is_whole:
            # The program must see that it did not end by itself.
            raise Malformed("the stream was cut short")
        await self.peer.send(h11.EndOfMessage())


def _effect(call: ModelCall) -> Effect:
    body = cast("dict[str, Json]", dict(call.body))
    return Effect(EffectKind.LLM, call.model[:MOST_NAME], {"call": call.kind, **body})


def _read(stream: ModelStream, part: bytes) -> bytes:
    try:
        return stream.pass_on(part)
    except ValueError as wrong:
        raise Malformed(str(wrong)) from None


async def _tell(peer: Peer, status: int, code: str, message: str) -> None:
    error = {"error": {"message": message, "type": code, "code": code, "param": None}}
    await _send(peer, status, "application/json", json.dumps(error).encode())


async def _send(peer: Peer, status: int, kind: str, data: bytes) -> None:
    if peer.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    headers = [
        (b"Content-Type", kind.encode()),
        (b"Content-Length", str(len(data)).encode()),
    ]
    await peer.send(h11.Response(status_code=status, headers=headers))
    await peer.send(h11.Data(data=data))
    await peer.send(h11.EndOfMessage())
