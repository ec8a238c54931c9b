"""What one lease may send through the egress proxy."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from actors.broker.bounds import EgressBounds
from actors.broker.ledger import Ledger
from actors.broker.report import EgressDecided, EgressObserver
from actors.broker.secret_headers import SecretHeaders
from harness.domain.account import Measure
from harness.domain.decision import Decision, Denial, refused
from harness.domain.host_name import Address, Endpoint
from harness.errors import Forbidden, QuotaExceeded

if TYPE_CHECKING:  # loading cryptography takes longer than all of the rest
    from actors.broker.authority import Authority


class EgressRules(Protocol):
    """Decides; a `NetworkPolicy` is one."""

    def connection(self, to: Endpoint) -> Decision:
        """Whether anything may go there; `must_read` where it depends on the request."""
        ...

    def request(self, to: Endpoint, method: str) -> Decision:
        """Whether a request that can be read may go there."""
        ...

    def address(self, to: Endpoint, address: Address, method: str | None = None) -> Decision:
        """Whether this address may be the host's, for a method or for what is not read."""
        ...


class Refused(Forbidden):
    """A policy does not allow it."""

    code = "policy_denied"

    def __init__(self, decision: Decision) -> None:
        """Why."""
        super().__init__(decision.reason)
        self.decision = decision


@dataclass(slots=True)
class Passage:
    """A lease's rules, budget and observer."""

    lease: str
    rules: EgressRules
    ledger: Ledger
    observer: EgressObserver
    bounds: EgressBounds = field(default_factory=EgressBounds)
    authority: "Authority | None" = None
    """Signs for the hosts whose HTTPS must be read; None refuses these."""
    secrets: SecretHeaders = field(default_factory=SecretHeaders)

    def begin(self, kind: str, to: Endpoint, method: str = "") -> None:
        """Decide on a request or connection, and count it; `dial` reports what is allowed.

        Raises:
            Refused: by the rules, or for want of budget; it was reported.
        """
        decision = self._decision(kind, to, method)
        if decision.is_allowed:
            decision = self._counted(to)
        if not decision.is_allowed:
            self.check(kind, to, decision, method)

    def check(
        self,
        kind: str,
        to: Endpoint | None,
        decision: Decision,
        method: str = "",
        address: str = "",
    ) -> None:
        """Report a decision.

        Raises:
            Refused: it is a refusal.
        """
        host, port = (to.host, to.port) if to else ("", 0)
        self.observer.decided(
            EgressDecided(self.lease, kind, method, host, port, decision, address)
        )
        if not decision.is_allowed:
            raise Refused(decision)

    def spend(self, kind: str, to: Endpoint, count: int) -> None:
        """Count bytes before they are passed on.

        Raises:
            Refused: the budget is spent; it was reported.
        """
        try:
            self.ledger.spend({Measure.BYTES: count})
        except QuotaExceeded as spent:
            self.check(kind, to, refused(Denial.BUDGET, str(spent)))

    def _decision(self, kind: str, to: Endpoint, method: str) -> Decision:
        if kind in ("http", "https"):
            decision = self.rules.request(to, method)
            missing = self.secrets.missing(to, method) if decision.is_allowed else ()
            return _without(to, missing) if missing else decision
        decision = self.rules.connection(to)
        if not decision.must_read or (kind == "tunnel" and self.authority is not None):
            return decision
        return refused(
            Denial.UNREADABLE,
            f"{to} is refused: the policy names methods or secrets there, and this connection "
            "cannot be read.",
        )

    def _counted(self, to: Endpoint) -> Decision:
        try:
            self.ledger.spend({Measure.REQUESTS: 1})
        except QuotaExceeded as spent:
            return refused(Denial.BUDGET, f"{to} is refused: {spent}")
        return Decision()


def _without(to: Endpoint, missing: Sequence[str]) -> Decision:
    return refused(
        Denial.SECRET,
        f"{to} is refused: the policy puts in {', '.join(missing)}, and no such secret was given.",
    )
