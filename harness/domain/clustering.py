"""Puts each failure into its FailureCluster as it comes: exact key, nearest centroid, or new."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import nlargest

from harness.domain.failure_cluster import FailureCluster, FailureSignature
from harness.domain.ids import ClusterId
from harness.domain.percent import percent

ALGORITHM = "signature-1/centroid-1"
THRESHOLD = 0.58
CENTROID_FEATURES = 256
CENTROID_MEMORY = 50
"""A centroid moves as if it had at most so many members: it follows slow change for ever."""
RARITY = 1.5
"""How much more a rare feature counts than a common one."""
UNSEEN = 0.6
"""Share of the rarest weight for what no cluster has: a printed value must not outweigh a stack."""
KEYS = 200
REASONS = 3


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a failure belongs."""

    cluster: FailureCluster
    """As it stands with this failure in it."""
    score: float
    is_new: bool
    reason: str


@dataclass(slots=True)
class Clusterer:
    """The clusters of one project, growing with each failure; not thread-safe.

    How rare a feature is gets counted over the clusters and is frozen until their number has
    doubled, so that a whole stream costs time in proportion to its length.
    """

    new_id: Callable[[], str]
    threshold: float = THRESHOLD
    _clusters: dict[ClusterId, FailureCluster] = field(default_factory=dict)
    _of_key: dict[str, ClusterId] = field(default_factory=dict)
    _having: dict[str, dict[ClusterId, float]] = field(default_factory=dict)
    _lengths: dict[ClusterId, float] = field(default_factory=dict)
    _rarity: Mapping[str, float] = field(default_factory=dict)
    _unseen: float = UNSEEN
    _counted: int = 0

    @classmethod
    def of(cls, clusters: Iterable[FailureCluster], new_id: Callable[[], str]) -> "Clusterer":
        """Goes on with clusters that exist; where two claim a key, the first one has it."""
        clusterer = cls(new_id)
        for cluster in clusters:
            clusterer._know(cluster)
        clusterer._count()
        return clusterer

    def place(self, signature: FailureSignature, when: datetime) -> Placement:
        """Put one failure into its cluster; `when` it was seen."""
        known = self._of_key.get(signature.key)
        if known is not None:
            return self._join(known, signature, when, 1.0, "Same failure as seen before.")
        nearest, score = self._nearest(signature.features)
        if nearest is None or score < self.threshold:
            return self._open(signature, when, score)
        shared = self._shared(signature.features, self._clusters[nearest].centroid)
        return self._join(nearest, signature, when, score, f"Alike in {shared}.")

    def alike(
        self, features: Mapping[str, float], limit: int
    ) -> Sequence[tuple[FailureCluster, float, str]]:
        """The clusters that share most with some features, with likeness from 0 to 1, and in what.

        Nothing is put anywhere.
        """
        scores = self._scores(features)
        best = nlargest(limit, scores, key=lambda each: (scores[each], each))
        found = [(self._clusters[each], scores[each]) for each in best]
        return [(one, score, self._shared(features, one.centroid)) for one, score in found]

    def _join(
        self,
        cluster_id: ClusterId,
        signature: FailureSignature,
        when: datetime,
        score: float,
        reason: str,
    ) -> Placement:
        cluster = self._clusters[cluster_id]
        is_known = signature.key in cluster.keys
        grown = replace(
            cluster,
            centroid=cluster.centroid if is_known else _moved(cluster, signature.features),
            keys=cluster.keys if is_known else (*cluster.keys, signature.key)[-KEYS:],
            size=cluster.size + 1,
            first_seen=min(cluster.first_seen, when),
            last_seen=max(cluster.last_seen, when),
        )
        self._replace(cluster, grown)
        return Placement(grown, score, is_new=False, reason=reason)

    def _open(self, signature: FailureSignature, when: datetime, score: float) -> Placement:
        cluster = FailureCluster(
            id=ClusterId(self.new_id()),
            title=signature.title,
            centroid=_bounded(signature.features),
            keys=(signature.key,),
            size=1,
            first_seen=when,
            last_seen=when,
            algorithm=ALGORITHM,
        )
        self._know(cluster)
        if len(self._clusters) >= 2 * self._counted:
            self._count()
        near = f"the nearest is {percent(score)} alike" if score else "no other is alike"
        return Placement(cluster, 1.0, is_new=True, reason=f"New kind of failure: {near}.")

    def _nearest(self, features: Mapping[str, float]) -> tuple[ClusterId | None, float]:
        scores = self._scores(features)
        best = max(scores, key=lambda each: (scores[each], each), default=None)
        return best, scores[best] if best is not None else 0.0

    def _scores(self, features: Mapping[str, float]) -> Mapping[ClusterId, float]:
        """Likeness to each cluster that shares something."""
        weighed = {name: weight * self._weight(name) ** 2 for name, weight in features.items()}
        dots: dict[ClusterId, float] = {}
        for name, weight in weighed.items():
            for cluster_id, centroid_weight in self._having.get(name, {}).items():
                dots[cluster_id] = dots.get(cluster_id, 0.0) + weight * centroid_weight
        length = self._length(features)
        return {each: min(1.0, dot / (length * self._lengths[each])) for each, dot in dots.items()}

    def _shared(self, mine: Mapping[str, float], centroid: Mapping[str, float]) -> str:
        both = {
            name: mine[name] * centroid[name] * self._weight(name) ** 2
            for name in mine
            if name in centroid
        }
        best: dict[str, str] = {}
        for name in nlargest(len(both), both, key=lambda name: (both[name], name)):
            best.setdefault(name.partition(" ")[0], name)
        return in_words(list(best.values())[:REASONS])

    def _weight(self, name: str) -> float:
        return self._rarity.get(name, self._unseen)

    def _length(self, features: Mapping[str, float]) -> float:
        return math.sqrt(sum((w * self._weight(name)) ** 2 for name, w in features.items())) or 1.0

    def _know(self, cluster: FailureCluster) -> None:
        self._clusters[cluster.id] = cluster
        for key in cluster.keys:
            self._of_key.setdefault(key, cluster.id)
        for name, weight in cluster.centroid.items():
            self._having.setdefault(name, {})[cluster.id] = weight
        self._lengths[cluster.id] = self._length(cluster.centroid)

    def _replace(self, old: FailureCluster, new: FailureCluster) -> None:
        for name in old.centroid.keys() - new.centroid.keys():
            del self._having[name][old.id]
        for key in set(old.keys) - set(new.keys):
            self._of_key.pop(key, None)
        self._know(new)

    def _count(self) -> None:
        total = self._counted = len(self._clusters)
        self._rarity = {name: _rarity(total, len(having)) for name, having in self._having.items()}
        self._unseen = UNSEEN * _rarity(total, 0)
        self._lengths = {each.id: self._length(each.centroid) for each in self._clusters.values()}


def in_words(features: Sequence[str]) -> str:
    """Features as a person would name them."""
    named = [_in_words(*feature.split(" ", 1)) for feature in features]
    return ", ".join(named) or "nothing in particular"


def _in_words(kind: str, what: str) -> str:
    match kind:
        case "exception":
            return f"the exception {what}"
        case "frame":
            return f"the call of {what}"
        case "code":
            return f"code in {what}"
        case "word":
            return f"the word “{what}”"
        case "suite":
            return f"the tests of {what}"
        case _:
            return f"tests about “{what}”"


def _rarity(total: int, having: int) -> float:
    return math.pow(math.log((1 + total) / (1 + having)) + 1, RARITY)


def _moved(cluster: FailureCluster, features: Mapping[str, float]) -> Mapping[str, float]:
    step = 1 / (1 + min(cluster.size, CENTROID_MEMORY))
    names = cluster.centroid.keys() | features.keys()
    return _bounded(
        {
            name: (1 - step) * cluster.centroid.get(name, 0.0) + step * features.get(name, 0.0)
            for name in names
        }
    )


def _bounded(features: Mapping[str, float]) -> Mapping[str, float]:
    if len(features) <= CENTROID_FEATURES:
        return dict(sorted(features.items()))
    kept = nlargest(CENTROID_FEATURES, features.items(), key=lambda item: (item[1], item[0]))
    return dict(sorted(kept))
