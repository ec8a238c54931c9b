"""Domain values as what a column holds, and back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeAlias, TypeVar

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from harness.domain.assessment import Assessment
from harness.domain.attempt import AttemptResult
from harness.domain.price import Price
from harness.domain.run import RunRequest
from harness.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

T = TypeVar("T")
Value: TypeAlias = str | int | float | bool | None
Values: TypeAlias = Mapping[str, Value]
"""A row, or the parameters of a statement."""


class JsonText(Generic[T]):
    """One type of value as JSON text."""

    def __init__(self, adapter: TypeAdapter[T]) -> None:
        self._adapter = adapter

    def text(self, value: T) -> str:
        """The value as JSON.

        Raises:
            InvalidInput: a string in it is no Unicode text.
        """
        try:
            return self._adapter.dump_json(value).decode()
        except PydanticSerializationError as error:
            raise InvalidInput(
                f"The record cannot be stored: {error}. Replace what is no Unicode text in it."
            ) from error

    def value(self, text: str) -> T:
        """The value that was stored as this text."""
        return self._adapter.validate_json(text)


REQUEST = JsonText(TypeAdapter(RunRequest))
RESULT = JsonText(TypeAdapter(AttemptResult))
ASSESSMENT = JsonText(TypeAdapter(Assessment))
WEIGHTS = JsonText(TypeAdapter(Mapping[str, float]))
PRICES = JsonText(TypeAdapter(Mapping[str, Price]))
NAMES = JsonText(TypeAdapter(tuple[str, ...]))


def micros(time: datetime) -> int:
    """Whole microseconds since 1970 of an aware time."""
    return (time - _EPOCH) // _MICROSECOND


def time_of(micros: int) -> datetime:
    """The time in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def optional_micros(time: datetime | None) -> int | None:
    """As `micros`, where there may be no time."""
    return None if time is None else micros(time)


def optional_time_of(micros: int | None) -> datetime | None:
    """As `time_of`, where there may be no time."""
    return None if micros is None else time_of(micros)
