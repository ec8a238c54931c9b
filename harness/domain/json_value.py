"""Taking a value of the expected kind out of JSON from anybody."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from harness.domain.json_reader import Json


def text_of(value: Json) -> str:
    """The text; empty if it is none."""
    return value if isinstance(value, str) else ""


def number_of(value: Json) -> float:
    """The finite number; 0 if it is none."""
    is_number = isinstance(value, float) and math.isfinite(value)
    return value if is_number and isinstance(value, float) else 0.0


def objects_of(value: Json) -> Sequence[dict[str, Json]]:
    """The objects in an array; none if it is no array."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def moment_of(value: Json) -> datetime | None:
    """A time in milliseconds since 1970, or in seconds, as some tools write."""
    number = number_of(value)
    if not 1e8 < number < 1e14:
        return None
    return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
