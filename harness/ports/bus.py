"""Events on their way from the outbox to whoever acts on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.events.envelope import Event


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event with its place in the log."""

    offset: int
    event: Event


class Bus(Protocol):
    """A durable log with named consumers; at least once, in order per run."""

    def publish(self, events: Sequence[Event]) -> None:
        """Append; returns when the events survive a crash of this process and this machine.

        Raises:
            Unavailable: nothing was promised; publish the same events again later.
        """
        ...

    def poll(self, consumer: str, limit: int) -> Sequence[Delivery]:
        """The next deliveries after the consumer's committed offset; empty when none wait."""
        ...

    def commit(self, consumer: str, offset: int) -> None:
        """The consumer's effects up to and including `offset` are durable."""
        ...
