"""What an attempt asks of the outside."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.domain.ids import Digest
from harness.events.canonical import Json, canonical


class EffectKind(StrEnum):
    """Which door it takes."""

    LLM = "llm"
    TOOL = "tool"
    HTTP = "http"
    TUNNEL = "tunnel"
    """HTTPS that nobody reads."""
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Effect:
    """One question to the outside; never holds the value of a secret."""

    kind: EffectKind
    name: str
    """The model, the tool, or method, host and port."""
    args: Mapping[str, Json] = field(default_factory=dict)

    @property
    def args_hash(self) -> Digest:
        """SHA-256 of the arguments in the form of RFC 8785, or in Python's where that has none."""
        try:
            data = canonical(dict(self.args))
        except ValueError:  # integers beyond 2^53, half characters
            data = json.dumps(self.args, sort_keys=True, separators=(",", ":")).encode()
        return Digest(hashlib.sha256(data).hexdigest())
