"""The latest events of a sandbox."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.domain.sandbox import SandboxEvent

REMEMBERED = 1000


@dataclass(slots=True)
class EventLog:
    """Numbered from 1; the oldest are forgotten."""

    _events: deque[SandboxEvent] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _last: int = 0

    def add(self, kind: str, **facts: object) -> None:
        """Remember what happened."""
        self._last += 1
        self._events.append(SandboxEvent(self._last, kind, facts))

    def after(self, seq: int) -> Sequence[SandboxEvent]:
        """Those with a higher number."""
        return [event for event in self._events if event.seq > seq]
