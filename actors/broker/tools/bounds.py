"""How much one lease may ask of its tools at a time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolBounds:
    """Limits of one lease and of each of its calls."""

    calls: int = 8
    """Under way at once; more wait for their turn."""
    call_seconds: float = 60.0
    """For one call, and as long again for its turn."""
    answer_bytes: int = 256 << 10
    """Of the texts of an answer together; more is cut, with a note."""
    picture_bytes: int = 2 << 20
    """Of a picture; a larger one is refused."""
    depth: int = 32
    """Of arguments."""
    values: int = 10_000
    """In arguments, at any depth."""
    kept_characters: int = 4_000
    """Of each text of the arguments in the journal; the rest is there as a digest."""
