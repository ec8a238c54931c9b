"""What the egress proxy tells of what it decided and carried."""

from dataclasses import dataclass
from typing import Protocol

from harness.domain.decision import Decision


@dataclass(frozen=True, slots=True)
class EgressDecided:
    """A request, tunnel or connection was allowed or refused."""

    lease: str
    kind: str
    """`http`, `https`, `tunnel` or `tcp`."""
    method: str
    """Empty where nothing is read."""
    host: str
    """Canonical; empty where the client named none that makes sense."""
    port: int
    decision: Decision
    address: str = ""
    """Where it goes, once that is known."""


@dataclass(frozen=True, slots=True)
class EgressEnded:
    """An allowed exchange came to its end."""

    lease: str
    kind: str
    host: str
    port: int
    status: int
    """Of the answer; 0 where nothing is read or none came."""
    bytes_out: int
    bytes_in: int
    seconds: float
    why: str = ""
    """What ended it before its time; empty when it was complete."""


class EgressObserver(Protocol):
    """Hears of everything in the order in which it happens; must neither wait nor raise."""

    def decided(self, what: EgressDecided) -> None:
        """Something was allowed or refused."""
        ...

    def ended(self, what: EgressEnded) -> None:
        """Something that was allowed is over."""
        ...
