"""What the failures of earlier runs say about a text."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.clustering import ALGORITHM, Clusterer
from harness.domain.failure_cluster import FailureCluster
from harness.domain.question import features_of
from harness.domain.scope import Scope
from harness.ports.knowledge import KnownFailure
from harness.ports.records import Records

MOST_CLUSTERS = 500
"""The most recently seen; each costs a fraction of a millisecond."""
MOST_ANSWERS = 20


@dataclass(slots=True)
class GivenFailures:
    """Looks failure clusters up by what they share with a text; satisfies `Knowledge`.

    It knows names and words, not meanings: a question in words that no failure has finds nothing.
    The first search takes a fraction of a second to read them, further ones a millisecond.
    """

    clusters: Sequence[FailureCluster]
    _read: Clusterer | None = None

    async def search(self, text: str, limit: int) -> Sequence[KnownFailure]:
        """See the port."""
        return await asyncio.to_thread(self._search, text, limit)

    def _search(self, text: str, limit: int) -> Sequence[KnownFailure]:
        # It opens no cluster, so no id is ever asked for.
        known = self._read = self._read or Clusterer.of(self.clusters, str)
        alike = known.alike(features_of(text), min(limit, MOST_ANSWERS))
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


@dataclass(frozen=True, slots=True)
class FailureKnowledge:
    """The same in a process that has the record store, with the clusters as they are now."""

    records: Records
    scope: Scope

    async def search(self, text: str, limit: int) -> Sequence[KnownFailure]:
        """See the port."""
        clusters = await asyncio.to_thread(newest_failures, self.records, self.scope)
        return await GivenFailures(clusters).search(text, limit)


def newest_failures(records: Records, scope: Scope) -> Sequence[FailureCluster]:
    """The clusters of a project that were seen last, for `GivenFailures` elsewhere. Blocking."""
    with records.transaction(scope) as tx:
        return tx.failures.clusters(ALGORITHM, limit=MOST_CLUSTERS)
