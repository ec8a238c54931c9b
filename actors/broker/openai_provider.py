"""Any server that speaks the OpenAI API, with a key that no sandbox sees."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from actors.broker.model_provider import ModelAnswer, NotAsked
from actors.broker.trust import public_authorities
from harness.domain.price import Price
from harness.domain.redacted_flow import RedactedFlow
from harness.domain.redaction import Redactor
from harness.errors import Unavailable

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 300.0
"""Models think before they say anything."""
_UNBOUNDED = httpx.Limits(max_connections=None, max_keepalive_connections=20)
"""Gateways bound their callers; whoever waited here would look like a silent model."""


class OpenAIProvider:
    """Asks one server; `base_url` ends before `/chat/completions`."""

    def __init__(self, base_url: str, key: str = "", prices: Mapping[str, Price] | None = None):
        """The key is sent to this server alone."""
        self._base_url = base_url.rstrip("/")
        self._prices = dict(prices or {})
        self._redactor = Redactor.of({"key": key} if key else {})
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
        # Redirects are not followed, and no proxy of the environment sees the key.
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=timeout,
            trust_env=False,
            verify=public_authorities(),
            limits=_UNBOUNDED,
        )

    def price(self, model: str) -> Price:
        """Of a model; nothing where none was given."""
        return self._prices.get(model, Price())

    @asynccontextmanager
    async def call(
        self, kind: str, body: dict[str, Any]
    ) -> AsyncIterator[ModelAnswer]:  # Any: JSON of the OpenAI API
        """Ask; the answer is good within the context.

        Raises:
            NotAsked: it cannot be reached.
            Unavailable: it does not answer.
        """
        try:
            async with self._client.stream("POST", f"{self._base_url}/{kind}", json=body) as found:
                told = found.headers.get("content-type", "application/json")
                yield ModelAnswer(found.status_code, told, self._hidden(found.aiter_bytes()))
        except (httpx.ConnectError, httpx.ConnectTimeout) as failed:
            raise NotAsked(f"The model provider at {self._base_url} is away: {failed}") from None
        except httpx.HTTPError as failed:
            why = str(failed) or type(failed).__name__
            raise Unavailable(f"The model provider at {self._base_url} failed: {why}") from None

    async def _hidden(self, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Without the key, which some servers quote when they refuse it."""
        flow = RedactedFlow(self._redactor)
        async for part in parts:
            if clean := flow.take(part):
                yield clean
        if rest := flow.rest():
            yield rest

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()
