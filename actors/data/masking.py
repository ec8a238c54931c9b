"""Digests that stand for values which must not leave."""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Mask:
    """Replaces the values of some columns; equal values of one column get equal tokens.

    The key keeps short values from being found by trying them all. Tokens are the same in two
    reports only where the key is.
    """

    columns: Collection[str]
    key: bytes

    def value(self, column: str, text: str | None) -> str | None:
        """The text as it may be shown; null stays null."""
        if text is None or column not in self.columns:
            return text
        digest = hmac.new(self.key, f"{column}\0{text}".encode(), sha256).hexdigest()
        return f"masked:{digest[:12]}"

    def values(self, column: str, texts: Sequence[str | None]) -> Sequence[str | None]:
        """Several texts of one column."""
        return [self.value(column, text) for text in texts]

    def hides(self, columns: Sequence[str]) -> bool:
        """Whether any of the columns is masked."""
        return any(column in self.columns for column in columns)
