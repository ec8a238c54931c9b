"""What a tenant's or an agent's work may do; what no document names is refused."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import reduce
from typing import Self

from harness.domain.account import Budget
from harness.domain.decision import ALLOWED, Decision, Denial, refused
from harness.domain.host_rule import HostRule
from harness.domain.ids import Digest
from harness.domain.name_set import NameSet
from harness.domain.network_policy import NetworkPolicy


@dataclass(frozen=True, slots=True)
class Policy:
    """Boundaries and limits. Several are intersected, never united."""

    network: NetworkPolicy = field(default_factory=NetworkPolicy)
    models: NameSet = field(default_factory=NameSet)
    tools: NameSet = field(default_factory=NameSet)
    budget: Budget = field(default_factory=Budget)

    def meet(self, other: Self) -> Self:
        """What both allow."""
        return type(self)(
            self.network.meet(other.network),
            self.models.meet(other.models),
            self.tools.meet(other.tools),
            self.budget.meet(other.budget),
        )

    def model(self, name: str) -> Decision:
        """Whether this model may be asked."""
        if self.models.holds(name):
            return ALLOWED
        return refused(Denial.MODEL, f"The model {name[:80]!r} is refused: no policy names it.")

    def tool(self, name: str) -> Decision:
        """Whether this tool may be called."""
        if self.tools.holds(name):
            return ALLOWED
        return refused(Denial.TOOL, f"The tool {name[:80]!r} is refused: no policy names it.")

    @property
    def version(self) -> Digest:
        """Digest of what it allows; equal for documents that mean the same."""
        text = json.dumps(self.plain(), sort_keys=True, separators=(",", ":"))
        return Digest(hashlib.sha256(text.encode()).hexdigest())

    def plain(self) -> dict[str, object]:
        """The policy as JSON values, in one order."""
        return {
            "network": {
                "mode": self.network.mode.value,
                "allow": [_plain(rule) for rule in sorted(self.network.rules, key=str)],
                **_secrets(self.network),
            },
            "models": sorted(self.models.patterns),
            "tools": sorted(self.tools.patterns),
            "budget": {each.value: limit for each, limit in sorted(self.budget.limits.items())},
        }


def effective(first: Policy, *others: Policy) -> Policy:
    """What all of them allow."""
    return reduce(Policy.meet, others, first)


def _secrets(network: NetworkPolicy) -> dict[str, object]:
    """Only where there are some: the version of what means the same stays."""
    found = [each.plain() for each in sorted(network.secrets, key=str)]
    return {"secrets": found} if found else {}


def _plain(rule: HostRule) -> dict[str, object]:
    return {
        "host": rule.hosts.text,
        "ports": "*" if rule.ports is None else sorted(rule.ports),
        "methods": "*" if rule.methods is None else sorted(rule.methods),
        "private": rule.private.texts(),
    }
