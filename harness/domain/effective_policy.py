"""What an agent may do after all documents that concern it."""

from dataclasses import dataclass

from harness.domain.policy import Policy
from harness.domain.policy_version import PolicyVersion


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """The tenant's document and the agent's own, intersected."""

    agent: str
    tenant: PolicyVersion | None
    """None if the tenant has no document; then nothing is allowed."""
    own: PolicyVersion | None
    """None if the agent has no document; then it may do nothing by itself, and what its run
    brings is bounded by the tenant's document."""
    policy: Policy
