"""The way out of the browsers of one run, under the allow-list of its environment."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from actors.broker.bounds import EgressBounds
from actors.broker.ledger import Ledger
from actors.broker.passage import Passage
from actors.broker.proxy import EgressProxy
from actors.broker.report import EgressDecided, EgressEnded
from harness.domain.account import Account, Budget
from harness.domain.network_policy import NetworkPolicy
from harness.errors import HarnessError
from harness.events.facts import Fact, PolicyDenied
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy

MOST_DENIALS = 100
CONNECTIONS = 1024
"""Of all browsers of the run together."""
LAST_WORDS_SECONDS = 5.0
_LEASE = "run"


@dataclass(slots=True)
class RunEgress:
    """A proxy on a loopback port of its own; what it refuses becomes events of the run."""

    network: NetworkPolicy
    observe: Callable[[Fact], Awaitable[None]]
    _proxy: EgressProxy = field(default_factory=lambda: EgressProxy(SystemClock()))
    _told: set[tuple[str, int]] = field(default_factory=set)
    _news: "asyncio.Queue[Fact | None]" = field(default_factory=asyncio.Queue)
    _telling: "asyncio.Task[None] | None" = None

    async def open(self) -> str:
        """Listen; gives the address as browsers want it."""
        ledger = Ledger(Account(Budget()), SystemEntropy())
        bounds = EgressBounds(connections=CONNECTIONS)
        self._proxy.admit(Passage(_LEASE, self.network, ledger, self, bounds))
        listener = socket.create_server(("127.0.0.1", 0))
        await self._proxy.serve(_LEASE, listener)
        self._telling = asyncio.create_task(self._tell())
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def close(self) -> None:
        """End it and what goes through it."""
        await self._proxy.close()
        if self._telling is None:
            return
        self._news.put_nowait(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._telling

    def decided(self, what: EgressDecided) -> None:
        """Tell the first refusals, each host and port once."""
        place = (what.host, what.port)
        if what.decision.is_allowed or place in self._told or len(self._told) >= MOST_DENIALS:
            return
        self._told.add(place)
        self._news.put_nowait(PolicyDenied(what.host, what.port, what.decision.reason))

    def ended(self, what: EgressEnded) -> None:
        """Nobody asks."""

    async def _tell(self) -> None:
        # When the lease has ended, or the scheduler is away for good, others notice.
        with contextlib.suppress(HarnessError):
            while (fact := await self._news.get()) is not None:
                await self.observe(fact)
