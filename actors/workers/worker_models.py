"""The models that the tests of one worker's process ask by themselves, such as for a goal."""

import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from actors.broker.journal import Journal
from actors.broker.ledger import Ledger
from actors.broker.model_gateway import ModelGateway
from actors.broker.openai_provider import OpenAIProvider
from harness.domain.account import Account
from harness.domain.agent_grant import AgentGrant
from harness.domain.attempt import ArtifactRef
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
    stack: AsyncExitStack


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
    _number: int = 0

    async def lend(self, model: str) -> str:
        """The path of a Unix socket where this model is asked, as policy and budget allow.

        Raises:
            QuotaExceeded: the test asks too many.
            InvalidInput: that is no name of a model.
        """
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
            await each.stack.aclose()
            with contextlib.suppress(HarnessError):  # too large, or the run has no room
                with each.journal.path.open("rb") as content:
                    digest, size = self.artifacts.put(self.scope, content, max_bytes=self.max_bytes)
                name = f"{prefix}/model-{number}/journal.jsonl"
                found.append(ArtifactRef(name, digest, size, "application/x-ndjson"))
            each.journal.close()
        return found

    async def close(self) -> None:
        """The process has ended."""
        for each in self._gateways.values():
            await each.stack.aclose()
            each.journal.close()
        self._gateways = {}

    async def _opened(self, own: Policy) -> _Open:
        grant = await self.granted(AGENT)
        policy = grant.bounded(own)
        self._number += 1
        place = self.folder / f".model-{self.worker}-{self._number}"
        keys = {f"key of {source.name}": source.key for source in grant.sources if source.key}
        redactor = Redactor.of({**self.secrets, **keys})
        journal = Journal(place.with_suffix(".journal"), self.clock, redactor)
        stack = AsyncExitStack()
        providers = {
            source.name: OpenAIProvider(source.base_url, source.key, source.prices)
            for source in grant.sources
        }
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        ledger = Ledger(Account(policy.budget), self.entropy)
        gateway = ModelGateway(policy, ledger, providers, journal, grant.missing)
        stack.push_async_callback(gateway.close)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(place))
        listener.listen()
        stack.callback(place.unlink, missing_ok=True)
        await gateway.serve(listener)
        return _Open(place, journal, stack)
