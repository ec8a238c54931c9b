"""The models that the tests of one worker's process ask by themselves, such as for a goal."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from actors.broker.journal import Journal
from actors.broker.ledger import Ledger
from actors.broker.model_gateway import ModelGateway
from actors.broker.model_sources import keys_of, open_providers
from harness.domain.account import Account
from harness.domain.agent_grant import AgentGrant
from harness.domain.attempt import ArtifactRef
from harness.domain.ids import Digest
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.redaction import Redactor
from harness.domain.scope import Scope
from harness.errors import HarnessError, QuotaExceeded
from harness.ports.artifacts import ArtifactStore
from harness.ports.clock import Clock
from harness.ports.entropy import Entropy

AGENT = "goal"
"""Under this name a tenant can bound what goals of specs may ask and spend."""
MOST_MODELS = 8
"""Of one test."""


@dataclass(slots=True)
class _Open:
    """A gateway to one model."""

    path: Path
    journal: Journal
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def shut(self) -> None:
        """Nobody asks here any more; what was asked can still be read."""
        await self.stack.aclose()
        self.path.unlink(missing_ok=True)


@dataclass(slots=True)
class WorkerModels:
    """One gateway for each model that a test asks, closed with the test."""

    folder: Path
    """Private to the run; its path is short, for sockets."""
    worker: str
    scope: Scope
    granted: Callable[[str], Awaitable[AgentGrant]]
    artifacts: ArtifactStore
    max_bytes: int
    secrets: Mapping[str, str] = field(repr=False)
    clock: Clock
    entropy: Entropy
    _gateways: dict[str, _Open] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _number: int = 0

    async def lend(self, model: str) -> str:
        """The path of a Unix socket where this model is asked, as policy and budget allow.

        Raises:
            QuotaExceeded: the test asks too many.
            InvalidInput: that is no name of a model.
        """
        async with self._opening:
            if model not in self._gateways:
                if len(self._gateways) >= MOST_MODELS:
                    raise QuotaExceeded(f"A test can ask {MOST_MODELS} models.")
                self._gateways[model] = await self._opened(Policy(models=NameSet.parse([model])))
        return str(self._gateways[model].path)

    async def taken(self, prefix: str) -> Sequence[ArtifactRef]:
        """What stands in the journals of the test that has just ended; its gateways close."""
        gateways, self._gateways = self._gateways, {}
        found: list[ArtifactRef] = []
        for number, each in enumerate(gateways.values(), 1):
            await each.shut()
            with contextlib.suppress(HarnessError):  # too large, or the run has no room
                digest, size = await asyncio.to_thread(self._stored, each.journal.path)
                name = f"{prefix}/model-{number}/journal.jsonl"
                found.append(ArtifactRef(name, digest, size, "application/x-ndjson"))
            each.journal.close()
        return found

    async def close(self) -> None:
        """The process has ended."""
        gateways, self._gateways = self._gateways, {}
        for each in gateways.values():
            await each.shut()
            each.journal.close()

    def _stored(self, journal: Path) -> tuple[Digest, int]:
        with journal.open("rb") as content:
            return self.artifacts.put(self.scope, content, max_bytes=self.max_bytes)

    async def _opened(self, own: Policy) -> _Open:
        grant = await self.granted(AGENT)
        policy = grant.bounded(own)
        self._number += 1
        place = self.folder / f".model-{self.worker}-{self._number}"
        redactor = Redactor.of({**self.secrets, **keys_of(grant.sources)})
        made = _Open(place, Journal(place.with_suffix(".journal"), self.clock, redactor))
        try:
            providers = open_providers(grant.sources, made.stack)
            ledger = Ledger(Account(policy.budget), self.entropy)
            gateway = ModelGateway(policy, ledger, providers, made.journal, grant.missing)
            made.stack.push_async_callback(gateway.close)
            await gateway.serve(_listener(place))
        except BaseException:
            await made.shut()
            made.journal.close()
            raise
        return made


def _listener(place: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    listener.listen()
    return listener
