"""Where an attempt's effects are written: each before it happens, and after."""

from collections.abc import Mapping
from typing import Protocol

from harness.domain.decision import Decision
from harness.events.canonical import Json
from harness.events.effect import Effect


class EffectJournal(Protocol):
    """One attempt's effects, in the order in which they begin."""

    def begin(self, effect: Effect) -> int:
        """Write that it is about to happen; gives its number, from 1.

        Raises:
            QuotaExceeded: the journal is full, so it must not happen.
        """
        ...

    def end(self, number: int, result: Mapping[str, Json], error: str = "") -> None:
        """Write what came of it; `error` is the class of what went wrong."""
        ...

    def refuse(self, effect: Effect, decision: Decision) -> None:
        """Write that it was asked for and did not happen."""
        ...
