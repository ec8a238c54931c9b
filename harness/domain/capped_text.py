"""Text of bounded length that keeps its head and its tail."""

import hashlib
from dataclasses import dataclass, field

from harness.errors import TooLarge

SHORTEST = 500
"""What is left for a text once all texts together were too long."""


def cut(text: str, limit: int) -> str:
    """At most about `limit` characters of the text: head and tail, with a note between."""
    if len(text) <= limit:
        return text
    half = max(1, limit // 2)
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def cut_name(name: str, limit: int) -> str:
    """A name of at most `limit` bytes in UTF-8; long names that differ stay different."""
    clean = name.encode("utf-8", "replace")
    if len(clean) <= limit:
        return clean.decode()
    mark = hashlib.sha256(clean).hexdigest()[:16]
    return f"{clean[: limit - 20].decode('utf-8', 'ignore')}…{mark}"


@dataclass(slots=True)
class TextBudget:
    """How many characters all texts of a document together may have."""

    name: str
    """What errors call the document."""
    characters: int
    spent: int = 0

    @property
    def is_exceeded(self) -> bool:
        """Whether texts were cut because there were too many."""
        return self.spent > self.characters

    def cut(self, text: str, limit: int) -> str:
        """The text within its own limit, and within a short one once all together are too long.

        Raises:
            TooLarge: even the short ones were too many.
        """
        kept = cut(text, min(limit, SHORTEST) if self.is_exceeded else limit)
        self.spent += len(kept)
        if self.spent > 2 * self.characters:
            raise TooLarge(
                f"{self.name} holds more than {2 * self.characters >> 20} million characters of "
                "names and texts. Split it, or log less."
            )
        return kept


@dataclass(slots=True)
class CappedText:
    """Collects a text piece by piece in memory of at most twice the limit."""

    limit: int
    _head: list[str] = field(default_factory=list)
    _tail: list[str] = field(default_factory=list)
    _head_length: int = 0
    _tail_length: int = 0
    _dropped: int = 0

    def add(self, piece: str) -> None:
        """Append."""
        half = self.limit // 2
        room = half - self._head_length
        if room > 0:
            self._head.append(piece[:room])
            self._head_length += len(self._head[-1])
            piece = piece[room:]
        if piece:
            self._tail.append(piece)
            self._tail_length += len(piece)
        if self._tail_length > self.limit:
            self._drop(self._tail_length - half)

    def text(self) -> str:
        """Everything, or head and tail with a note between."""
        half = self.limit // 2
        if not self._dropped and self._tail_length > self.limit - half:
            self._drop(self._tail_length - half)
        head, tail = "".join(self._head), "".join(self._tail)
        if not self._dropped:
            return head + tail
        return f"{head}\n… {self._dropped} characters left out …\n{tail}"

    def _drop(self, count: int) -> None:
        self._tail = ["".join(self._tail)[count:]]
        self._tail_length -= count
        self._dropped += count
