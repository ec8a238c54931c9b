"""Names that a Policy allows, such as those of models and tools."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from harness.errors import InvalidInput

_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}\*?|\*")


@dataclass(frozen=True, slots=True)
class NameSet:
    """Names and beginnings of names (`openai/*`); none of them inside another."""

    patterns: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, patterns: Iterable[str]) -> Self:
        """These patterns.

        Raises:
            InvalidInput: one is none.
        """
        found = list(patterns)
        for pattern in found:
            if not _PATTERN.fullmatch(pattern):
                raise InvalidInput(
                    f"{pattern[:80]!r} is not a name; write a name, its beginning with * after it, "
                    "or * alone."
                )
        return cls._of(found)

    def holds(self, name: str) -> bool:
        """Whether this name is allowed."""
        return any(_covers(pattern, name) for pattern in self.patterns)

    def meet(self, other: Self) -> Self:
        """The names that both allow."""
        pairs = [(mine, its) for mine in self.patterns for its in other.patterns]
        inner = [its for mine, its in pairs if _covers(mine, its)]
        return self._of(inner + [mine for mine, its in pairs if _covers(its, mine)])

    @classmethod
    def _of(cls, patterns: Iterable[str]) -> Self:
        found = frozenset(patterns)
        return cls(
            frozenset(
                each for each in found if not any(o != each and _covers(o, each) for o in found)
            )
        )


def _covers(pattern: str, other: str) -> bool:
    if pattern.endswith("*"):
        return other.startswith(pattern[:-1])
    return pattern == other
