"""What a scripted model says, turn by turn; no model is asked."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the script lets the model call."""

    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reply:
    """One turn of the script."""

    text: str = ""
    tools: tuple[ToolCall, ...] = ()
    expects: str = ""
    """Words that the last message must hold, or the script has come off its rails."""
