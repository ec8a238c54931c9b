"""Server-sent events of a model's answer: passed on as they come, and read for what they used."""

import json
from dataclasses import dataclass, field

from actors.broker.model_call import ModelUsage, usage_of
from actors.broker.model_said import ModelSaid

MOST_EVENT = 4 << 20


@dataclass(slots=True)
class ModelStream:
    """Splits a stream at the ends of its events."""

    wants_usage: bool
    """Whether the program asked for the event that tells only usage."""
    usage: ModelUsage | None = None
    said: ModelSaid = field(default_factory=ModelSaid)
    is_whole: bool = False
    """The stream has come to its own end."""
    _rest: bytes = field(default=b"")

    def pass_on(self, part: bytes) -> bytes:
        """What of it goes on to the program.

        Raises:
            ValueError: an event is longer than events may be.
        """
        *events, self._rest = (self._rest + part).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(self._rest) > MOST_EVENT:
            raise ValueError(f"an event of more than {MOST_EVENT} bytes")
        return b"".join(event + b"\n\n" for event in events if self._is_for_program(event))

    def _is_for_program(self, event: bytes) -> bool:
        data = b"\n".join(
            line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")
        )
        if data == b"[DONE]":
            self.is_whole = True
            return True
        try:
            told = json.loads(data) if data else None
        except (ValueError, RecursionError):
            return True
        self.said.take(told)
        found = usage_of(told)
        self.usage = found or self.usage
        is_bare = found is not None and isinstance(told, dict) and not told.get("choices")
        return self.wants_usage or not is_bare
