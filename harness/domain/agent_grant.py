"""What an agent gets for one attempt: its policy, and the models that it may ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.domain.policy import Policy
from harness.domain.price import Price


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A server that speaks the OpenAI API; the first part of a model's name picks it."""

    name: str
    base_url: str
    """Ends before `/chat/completions`."""
    key: str = field(default="", repr=False)
    """Sent to this server alone; no sandbox sees it."""
    prices: Mapping[str, Price] = field(default_factory=dict)
    """By the model's own name, without the source's."""


@dataclass(frozen=True, slots=True)
class AgentGrant:
    """Handed to a host under the lease of a run."""

    policy: Policy = field(default_factory=Policy)
    """What the tenant's document and the agent's own allow together; without one of its own, the
    tenant's document alone."""
    sources: Sequence[ModelSource] = ()
    """Those whose models the policy may allow."""
    is_named: bool = False
    """Whether the agent has a document of its own; else what its run brings bounds it, or it is
    denied everything."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Why a source is not granted, by its name."""

    def bounded(self, own: Policy | None) -> Policy:
        """What is allowed with a document of this run's own, if it brings one.

        Where neither it nor the agent has one, nothing is.
        """
        if own is None:
            return self.policy if self.is_named else Policy()
        return self.policy.meet(own)
