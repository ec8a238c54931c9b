"""What is known of a project before anybody asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """A kind of failure that earlier runs have had."""

    title: str
    times: int
    first_seen: datetime
    last_seen: datetime
    likeness: float
    """From 0 to 1."""
    reason: str
    """What it shares with the question, in a line."""


class Knowledge(Protocol):
    """Answers about one project; whoever holds it has decided which."""

    async def search(self, text: str, limit: int) -> Sequence[KnownFailure]:
        """The failures that share most with a text, which may be a message; best first.

        Raises:
            Unavailable: what is known cannot be reached.
        """
        ...
