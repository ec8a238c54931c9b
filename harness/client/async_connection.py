"""A connection pool to the API for asynchronous programs; see `Connection`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import httpx

from harness.client.connection import (
    NOTHING_SENT,
    THROUGH_SECONDS,
    Patience,
    Pauses,
    answered_behind,
    unreachable,
)
from harness.client.problem import error_of
from harness.client.sandbox_calls import Call, Reply
from harness.ports.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class AsyncConnection:
    """Sends requests; every one of them ends by its deadline."""

    http: httpx.AsyncClient
    patience: Patience = field(default_factory=Patience)
    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep

    async def json(self, call: Call) -> Reply:
        """The JSON of its answer."""
        told: Reply = (await self.call(call)).json()
        return told

    async def call(self, call: Call) -> httpx.Response:
        """A response below 400; what may be sent twice is, while the API restarts.

        Raises:
            HarnessError: what the API answered; Unavailable when it did not in time.
        """
        deadline = self.clock.monotonic() + self.patience.call_seconds
        pauses = Pauses(self.clock, deadline)
        while True:
            try:
                response = await self.http.request(
                    call.method,
                    call.path,
                    params=dict(call.params),
                    json=call.json,
                    content=call.content,
                    headers=dict(call.headers),
                    timeout=self._timeout(call.quiet_seconds),
                )
                if response.is_success:
                    return response
                error = error_of(response)
                if call.once:
                    raise error
            except httpx.TransportError as trouble:
                error = unreachable(self.http.base_url, trouble)
                if call.once and not isinstance(trouble, NOTHING_SENT):
                    raise error from trouble
            await self.sleep(pauses.next(error))

    @asynccontextmanager
    async def open(self, call: Call, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """A response whose body is still to come; one attempt.

        Raises:
            HarnessError: what the API answered; Unavailable when the connection broke.
        """
        try:
            async with self.http.stream(
                call.method,
                call.path,
                json=call.json,
                headers=dict(headers),
                timeout=self._timeout(None),
            ) as response:
                if response.is_error:
                    await response.aread()
                    raise error_of(response)
                yield response
        except httpx.TransportError as trouble:
            raise unreachable(self.http.base_url, trouble) from trouble

    async def through(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """See `Connection.through`."""
        try:
            response = await self.http.request(
                method, path, headers=dict(headers or {}), content=content, timeout=THROUGH_SECONDS
            )
        except httpx.TransportError as trouble:
            raise unreachable(self.http.base_url, trouble) from trouble
        return answered_behind(response)

    def _timeout(self, quiet_seconds: float | None) -> httpx.Timeout:
        return httpx.Timeout(
            quiet_seconds or self.patience.quiet_seconds, connect=self.patience.connect_seconds
        )
