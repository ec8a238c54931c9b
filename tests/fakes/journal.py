"""A journal in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.domain.decision import Decision
from harness.errors import QuotaExceeded
from harness.events.canonical import Json
from harness.events.effect import Effect


@dataclass(slots=True)
class Entry:
    """One effect, and what came of it."""

    effect: Effect
    result: Mapping[str, Json] | None = None
    error: str = ""
    refused: Decision | None = None


@dataclass(slots=True)
class FakeJournal:
    """Keeps everything; takes `most` effects."""

    most: int = 10_000
    entries: list[Entry] = field(default_factory=list)

    def begin(self, effect: Effect) -> int:
        if len(self.entries) >= self.most:
            raise QuotaExceeded("The journal is full.")
        self.entries.append(Entry(effect))
        return len(self.entries)

    def end(self, number: int, result: Mapping[str, Json], error: str = "") -> None:
        entry = self.entries[number - 1]
        assert entry.result is None
        entry.result, entry.error = result, error

    def refuse(self, effect: Effect, decision: Decision) -> None:
        self.entries.append(Entry(effect, refused=decision))
