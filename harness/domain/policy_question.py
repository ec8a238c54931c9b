"""Questions that people ask a policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.decision import Decision
from harness.domain.host_name import Endpoint
from harness.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What a policy says to one question."""

    asked: str
    is_allowed: bool
    reason: str = ""
    """Why it is refused."""
    must_read: bool = False
    """Allowed for requests that the proxy can read."""

    def __str__(self) -> str:
        note = " (as requests that can be read)" if self.must_read else ""
        return f"{self.reason or f'{self.asked} is allowed'}{note}"


@dataclass(frozen=True, slots=True)
class PolicyQuestion:
    """Up to three questions; what is None is not asked."""

    to: str | None = None
    """`host:port`, 443 if only a host."""
    method: str | None = None
    """Of a request that goes there."""
    model: str | None = None
    tool: str | None = None

    def answers(self, policy: Policy) -> Sequence[PolicyAnswer]:
        """One for each question.

        Raises:
            InvalidInput: `to` is no host with a port.
        """
        found: list[PolicyAnswer] = []
        if self.to is not None:
            where = Endpoint.parse(self.to, 443)
            network = policy.network
            asked = f"{self.method or ''} {where}".strip()
            told = network.request(where, self.method) if self.method else None
            found.append(_answer(asked, told or network.connection(where)))
        if self.model is not None:
            found.append(_answer(f"The model {self.model}", policy.model(self.model)))
        if self.tool is not None:
            found.append(_answer(f"The tool {self.tool}", policy.tool(self.tool)))
        return found


def _answer(asked: str, told: Decision) -> PolicyAnswer:
    return PolicyAnswer(asked, told.is_allowed, told.reason, told.must_read)
