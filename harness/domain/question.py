"""The features of a text that somebody asks about, as failures have them."""

import re
from collections.abc import Iterator, Mapping

from harness.domain.failure_text import name_parts, normalised, words

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_ERROR = re.compile(r"[A-Z][A-Za-z0-9_]*(?:Error|Exception|Failure|Timeout|Warning)")
EXCEPTION, WORD, CODE, TEST = 1.5, 1.0, 0.7, 0.5
MOST_NAMES = 60


def features_of(text: str) -> Mapping[str, float]:
    """Names of exceptions, words, code and tests in it; only its beginning counts."""
    found: dict[str, float] = {}
    for name, weight in _features(normalised(text)):
        found[name] = max(weight, found.get(name, 0.0))
    return found


def _features(text: str) -> Iterator[tuple[str, float]]:
    names = list(dict.fromkeys(_NAME.findall(text)))[:MOST_NAMES]
    for name in names:
        last = name.rpartition(".")[2]
        if _ERROR.fullmatch(last):
            yield f"exception {last}", EXCEPTION
        yield f"code {name}", CODE
        yield f"code {last}", CODE
        yield from ((f"test {part}", TEST) for part in name_parts(last))
    yield from ((f"word {word}", WORD) for word in words(text))
