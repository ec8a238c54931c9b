"""How well a grouping agrees with the labels."""

from collections import Counter
from collections.abc import Hashable, Sequence
from math import comb


def adjusted_rand(labels: Sequence[Hashable], groups: Sequence[Hashable]) -> float:
    """Adjusted Rand index: 1 is identical, 0 is chance."""
    both = sum(comb(n, 2) for n in Counter(zip(labels, groups, strict=True)).values())
    of_labels = sum(comb(n, 2) for n in Counter(labels).values())
    of_groups = sum(comb(n, 2) for n in Counter(groups).values())
    pairs = comb(len(labels), 2)
    chance = of_labels * of_groups / pairs if pairs else 0.0
    most = (of_labels + of_groups) / 2
    return 1.0 if most == chance else (both - chance) / (most - chance)


def b_cubed_f1(labels: Sequence[Hashable], groups: Sequence[Hashable]) -> float:
    """Harmonic mean of B-cubed precision and recall."""
    both = Counter(zip(labels, groups, strict=True))
    of_labels, of_groups = Counter(labels), Counter(groups)
    precision = sum(n * n / of_groups[group] for (_, group), n in both.items()) / len(labels)
    recall = sum(n * n / of_labels[label] for (label, _), n in both.items()) / len(labels)
    return 2 * precision * recall / (precision + recall)
