"""Who answers model calls: any server with the OpenAI API, or a script."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from harness.domain.price import Price
from harness.errors import Unavailable


class NotAsked(Unavailable):
    """The provider could not be reached, so the call cost nothing."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """An answer whose body comes in parts: of a stream each as soon as it is there."""

    status: int
    content_type: str
    parts: AsyncIterator[bytes]


class ModelProvider(Protocol):
    """Answers calls."""

    def price(self, model: str) -> Price:
        """Of a model, by the provider's own name of it."""
        ...

    def call(
        self, kind: str, body: dict[str, Any]
    ) -> AbstractAsyncContextManager[ModelAnswer]:  # Any: JSON of the OpenAI API
        """Ask; the answer is good within the context.

        Raises:
            NotAsked: it cannot be reached.
            Unavailable: it does not answer.
        """
        ...
