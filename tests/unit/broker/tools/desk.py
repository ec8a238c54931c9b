"""A tool server on loopback, a client of the official package, and a journal that can be read."""

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from actors.broker.ledger import Ledger
from actors.broker.tools.bounds import ToolBounds
from actors.broker.tools.server import ToolServer
from actors.broker.tools.tool import Tool
from harness.domain.account import Account, Budget, Measure
from harness.domain.decision import Decision
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.redaction import Redactor
from harness.errors import QuotaExceeded
from harness.events.canonical import Json
from harness.events.effect import Effect
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody, and is there at once."""
CANARY = "canary-7Gq2-value"


@dataclass(slots=True)
class Journal:
    """Keeps everything in order, in memory."""

    most: int = 1000
    lines: list[tuple[str, Any]] = field(default_factory=list)
    count: int = 0

    def begin(self, effect: Effect) -> int:
        if self.count >= self.most:
            raise QuotaExceeded(f"The journal has {self.most} effects and takes no more.")
        self.count += 1
        assert effect.args_hash
        self.lines.append(("begin", effect))
        return self.count

    def end(self, number: int, result: Mapping[str, Json], error: str = "") -> None:
        self.lines.append(("end", (number, result, error)))

    def refuse(self, effect: Effect, decision: Decision) -> None:
        self.lines.append(("refuse", (effect, decision)))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.lines]

    @property
    def errors(self) -> list[str]:
        return [value[2] for kind, value in self.lines if kind == "end"]

    @property
    def refusals(self) -> list[Decision]:
        return [value[1] for kind, value in self.lines if kind == "refuse"]


@dataclass(slots=True)
class Desk:
    """What a test holds."""

    url: str
    journal: Journal
    ledger: Ledger
    server: ToolServer

    def spent(self, measure: Measure) -> int:
        return self.ledger.account.spent.get(measure, 0)

    @contextlib.asynccontextmanager
    async def client(self, mode: str = "auto") -> AsyncIterator[Client]:
        # Without certificates, whose loading takes longer than all of the rest.
        async with httpx2.AsyncClient(verify=False, timeout=60, trust_env=False) as http:
            way = streamable_http_client(self.url, http_client=http)
            async with Client(way, mode=mode) as client:
                yield client

    async def call(self, name: str, **args: Any) -> CallToolResult:
        async with self.client() as client:
            return await client.call_tool(name, args)

    async def post(self, content: bytes, **headers: str) -> httpx.Response:
        """A request as no client of the package would send it."""
        known = {"accept": "application/json, text/event-stream"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        known |= {"content-type": "application/json", **given}
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=10) as client:
            return await client.post(self.url, content=content, headers=known)


@contextlib.asynccontextmanager
async def desk(
    *tools: Tool,
    names: Sequence[str] = ("*",),
    limits: Mapping[Measure, int] | None = None,
    bounds: ToolBounds | None = None,
    most_effects: int = 1000,
    ledger: Ledger | None = None,
) -> AsyncIterator[Desk]:
    ledger = ledger or Ledger(Account(Budget(limits or {})), SystemEntropy())
    journal = Journal(most_effects)
    policy = Policy(tools=NameSet.parse(names))
    redactor = Redactor.of({"TOKEN": CANARY})
    parts = (journal, redactor, SystemClock(), tools, bounds or ToolBounds())
    server = ToolServer("lease", policy, ledger, *parts)
    listener = socket.create_server(("127.0.0.1", 0))
    await server.serve(listener)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    try:
        yield Desk(url, journal, ledger, server)
    finally:
        await server.close()


def text_of(answer: CallToolResult) -> str:
    return "\n".join(part.text for part in answer.content if part.type == "text")
