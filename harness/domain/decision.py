"""What a Policy says to one question."""

from dataclasses import dataclass
from enum import StrEnum


class Denial(StrEnum):
    """Why something is refused."""

    NONE = ""
    """It is not refused."""
    NETWORK = "network"
    """The policy gives no network."""
    HOST = "host"
    PORT = "port"
    METHOD = "method"
    ADDRESS = "address"
    """The name leads to an address that is not public and not allowed."""
    UNREADABLE = "unreadable"
    """The policy names methods, and what goes through this connection cannot be read."""
    MODEL = "model"
    TOOL = "tool"
    BUDGET = "budget"
    SECRET = "secret"  # noqa: S105 - a kind of denial
    """The policy puts in a secret that was not given."""
    MALFORMED = "malformed"
    """The question itself makes no sense, such as a host that is none."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed, or refused for a reason."""

    denial: Denial = Denial.NONE
    reason: str = ""
    """What was refused, why, and what would allow it, in a sentence; empty when allowed."""
    must_read: bool = False
    """Allowed only as requests that can be read: the policy names methods."""

    @property
    def is_allowed(self) -> bool:
        """Whether it may happen."""
        return self.denial is Denial.NONE


ALLOWED = Decision()


def refused(denial: Denial, reason: str) -> Decision:
    """A refusal."""
    return Decision(denial, reason)
