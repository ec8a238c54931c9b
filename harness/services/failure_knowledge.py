"""What the failures of earlier runs say about a text."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.clustering import ALGORITHM, Clusterer
from harness.domain.question import features_of
from harness.domain.scope import Scope
from harness.ports.knowledge import KnownFailure
from harness.ports.records import Records

MOST_CLUSTERS = 500
"""The most recently seen; each costs a fraction of a millisecond."""
MOST_ANSWERS = 20


@dataclass(frozen=True, slots=True)
class FailureKnowledge:
    """Looks the failure clusters of a project up by what they share with a text.

    Satisfies `Knowledge` in a process that has the record store. It knows names and words, not
    meanings: a question in words that no failure has finds nothing.
    """

    records: Records
    scope: Scope

    async def search(self, text: str, limit: int) -> Sequence[KnownFailure]:
        """See the port."""
        return await asyncio.to_thread(self._search, text, min(limit, MOST_ANSWERS))

    def _search(self, text: str, limit: int) -> Sequence[KnownFailure]:
        with self.records.transaction(self.scope) as tx:
            clusters = tx.failures.clusters(ALGORITHM, limit=MOST_CLUSTERS)
        # It opens no cluster, so no id is ever asked for.
        found = Clusterer.of(clusters, str).alike(features_of(text), limit)
        return [
            KnownFailure(
                each.title,
                each.size,
                each.first_seen,
                each.last_seen,
                round(likeness, 3),
                f"shares {shared}",
            )
            for each, likeness, shared in found
        ]
