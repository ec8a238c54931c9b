"""Chance and identity as arguments."""

import secrets
import time
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


class Entropy(Protocol):
    """Makes what must not repeat."""

    def new_id(self) -> str:
        """A fresh identifier; later ones sort after earlier ones of other milliseconds."""
        ...

    def secret(self) -> str:
        """A fresh secret of at least 256 bits, safe in URLs and headers."""
        ...


class SystemEntropy:
    """The operating system's randomness."""

    def new_id(self) -> str:
        """26 characters: 48 bits of milliseconds, then 80 random bits (the layout of a ULID)."""
        number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
        return "".join(_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10))

    def secret(self) -> str:
        """43 characters."""
        return secrets.token_urlsafe(32)
