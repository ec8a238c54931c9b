"""Where a sandbox may go over the network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from harness.domain.decision import ALLOWED, Decision, Denial, refused
from harness.domain.host_name import Address, Endpoint
from harness.domain.host_rule import HostRule
from harness.domain.http_secret import HttpSecret
from harness.errors import InvalidInput

MOST_MET = 1000
"""Rules that two lists can have in common; each is compared with each."""


class NetworkMode(StrEnum):
    """How much network there is."""

    NONE = "none"
    ALLOW_LIST = "allow-list"
    HOST = "host"
    """The machine's own network, without a proxy; only for a single user's own suites."""


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """What connections and requests are allowed; without rules, none."""

    mode: NetworkMode = NetworkMode.NONE
    rules: frozenset[HostRule] = frozenset()
    """None of them allows only what another allows too."""
    secrets: frozenset[HttpSecret] = frozenset()
    """What each document wants to be put into requests; see `injected`."""

    @classmethod
    def allowing(cls, rules: Iterable[HostRule], secrets: Iterable[HttpSecret] = ()) -> Self:
        """An allow-list."""
        return cls(NetworkMode.ALLOW_LIST, _widest(rules), frozenset(secrets))

    @classmethod
    def host(cls) -> Self:
        """The machine's own network."""
        return cls(NetworkMode.HOST)

    def meet(self, other: Self) -> Self:
        """What both allow.

        Raises:
            InvalidInput: it takes more than `MOST_MET` rules to say it.
        """
        if NetworkMode.HOST in (self.mode, other.mode):
            return other if self.mode is NetworkMode.HOST else self
        if NetworkMode.NONE in (self.mode, other.mode):
            return type(self)()
        # Secrets are claims, not permissions: `injected` asks that they agree.
        secrets = self.secrets | other.secrets
        return self.allowing(_met(self.rules, other.rules), secrets)

    @property
    def reads(self) -> bool:
        """Whether some host's requests must be read, which needs an authority for HTTPS."""
        return bool(self.secrets) or any(rule.methods is not None for rule in self.rules)

    def injected(self, to: Endpoint, method: str) -> Mapping[str, HttpSecret | None]:
        """Headers that a request gets; None stands for one that is only taken away.

        That is where documents, or lines of one, want different values: no secret goes out unless
        all that name one for the header agree.
        """
        found: dict[str, HttpSecret | None] = {}
        for each in self.secrets:
            if each.goes_with(to, method):
                known = found.setdefault(each.header, each)
                if known is None or known.value != each.value:
                    found[each.header] = None
        return found

    def connection(self, to: Endpoint) -> Decision:
        """Whether anything may go there; `must_read` where it depends on the request."""
        if self.mode is NetworkMode.HOST:
            return ALLOWED
        if self.mode is NetworkMode.NONE:
            return refused(Denial.NETWORK, f"{to} is refused: the policy gives no network.")
        rules = self._concerned(to)
        if not rules:
            return self._not_listed(to)
        gets_secret = any(each.concerns(to) for each in self.secrets)
        named = all(rule.methods is not None for rule in rules)
        return Decision(must_read=gets_secret or named)

    def request(self, to: Endpoint, method: str) -> Decision:
        """Whether a request that can be read may go there."""
        decision = self.connection(to)
        if not decision.is_allowed or not decision.must_read:
            return decision
        rules = self._concerned(to)
        if any(rule.allows_method(method) for rule in rules):
            return ALLOWED
        allowed = {name for rule in rules for name in rule.methods or ()}
        return refused(
            Denial.METHOD,
            f"{method} {to} is refused: the policy allows only {', '.join(sorted(allowed))} there.",
        )

    def address(self, to: Endpoint, address: Address, method: str | None = None) -> Decision:
        """Whether this address may be the host's, for a method or for what is not read."""
        if self.mode is NetworkMode.HOST:
            return ALLOWED
        rules = (rule for rule in self._concerned(to) if rule.allows_method(method))
        if any(rule.allows_address(address) for rule in rules):
            return ALLOWED
        return refused(
            Denial.ADDRESS,
            f"{to} is refused: it leads to {address}, which is not public; "
            "name its range under `private` if that is meant.",
        )

    def _concerned(self, to: Endpoint) -> list[HostRule]:
        return [rule for rule in self.rules if rule.concerns(to)]

    def _not_listed(self, to: Endpoint) -> Decision:
        if any(rule.hosts.matches(to.host) for rule in self.rules):
            return refused(Denial.PORT, f"{to} is refused: the policy allows other ports there.")
        return refused(Denial.HOST, f"{to} is refused: the policy does not name this host.")


def _met(some: Iterable[HostRule], others: Iterable[HostRule]) -> frozenset[HostRule]:
    """What each of some and each of the others allow both."""
    found: set[HostRule] = set()
    others = list(others)
    for mine in some:
        met = (mine.meet(its) for its in others)
        found |= {rule for rule in met if rule is not None}
        if len(found) > MOST_MET:
            raise InvalidInput(
                f"Two allow-lists have more than {MOST_MET} rules in common, each of a few hosts "
                "or ports. Write fewer, wider ones."
            )
    return frozenset(found)


def _widest(rules: Iterable[HostRule]) -> frozenset[HostRule]:
    found = frozenset(rules)
    return frozenset(
        rule for rule in found if not any(each != rule and each.covers(rule) for each in found)
    )
