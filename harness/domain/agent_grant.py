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
    """What the tenant's document and the agent's own allow together."""
    sources: Sequence[ModelSource] = ()
    is_named: bool = False
    """Whether the agent has a document of its own; one without gets nothing by itself."""
