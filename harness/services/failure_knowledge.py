"""What the failures of earlier runs say about a text."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from harness.domain.clustering import ALGORITHM, Clusterer
from harness.domain.question import features_of
from harness.domain.scope import Scope
from harness.ports.clock import Clock
from harness.ports.knowledge import KnownFailure
from harness.ports.records import Records

MOST_CLUSTERS = 500
"""The most recently seen; together they take a fifth of a second to read."""
MOST_ANSWERS = 20
KEPT_SECONDS = 60.0
"""What happened since then is not known yet."""
MOST_KEPT = 8
"""Projects at a time."""


@dataclass(slots=True)
class FailureMemory:
    """Looks failure clusters up by what they share with a text, in a thread of its own.

    It knows names and words, not meanings: a question in words that no failure has finds nothing.
    However much is asked, a project's clusters are read once a minute.
    """

    records: Records
    clock: Clock
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "knowledge"))
    _kept: "OrderedDict[Scope, tuple[float, Clusterer]]" = field(default_factory=OrderedDict)

    def of(self, scope: Scope) -> "FailureKnowledge":
        """What it knows of one project."""
        return FailureKnowledge(self, scope)

    async def search(self, scope: Scope, text: str, limit: int) -> Sequence[KnownFailure]:
        """See `Knowledge.search`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._search, scope, text, limit)

    def _search(self, scope: Scope, text: str, limit: int) -> Sequence[KnownFailure]:
        alike = self._known(scope).alike(features_of(text), min(limit, MOST_ANSWERS))
        return [
            KnownFailure(
                each.title,
                each.size,
                each.first_seen,
                each.last_seen,
                round(likeness, 3),
                f"shares {shared}",
            )
            for each, likeness, shared in alike
        ]

    def _known(self, scope: Scope) -> Clusterer:
        now = self.clock.monotonic()
        read, known = self._kept.pop(scope, (0.0, None))
        if known is None or now > read + KEPT_SECONDS:
            with self.records.transaction(scope) as tx:
                clusters = tx.failures.clusters(ALGORITHM, limit=MOST_CLUSTERS)
            # It opens no cluster, so no id is ever asked for.
            read, known = now, Clusterer.of(clusters, str)
        self._kept[scope] = (read, known)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return known


@dataclass(frozen=True, slots=True)
class FailureKnowledge:
    """The memory of one project; satisfies `Knowledge`."""

    memory: FailureMemory
    scope: Scope

    async def search(self, text: str, limit: int) -> Sequence[KnownFailure]:
        """See the port."""
        return await self.memory.search(self.scope, text, limit)
