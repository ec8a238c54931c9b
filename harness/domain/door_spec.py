"""What the one way out of a sandbox lets through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.domain.agent_grant import ModelSource
from harness.domain.policy import Policy
from harness.domain.scope import Scope
from harness.domain.script import Reply


@dataclass(frozen=True, slots=True)
class DoorSpec:
    """Policy, models, and what nothing recorded may hold."""

    policy: Policy = field(default_factory=Policy)
    """Effective: everything that limits the sandbox's owner and the agent, intersected."""
    sources: Sequence[ModelSource] = ()
    script: Sequence[Reply] = ()
    """What models named `scripted/…` say; without one there are none."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Why a source is not among them, by its name."""
    scope: Scope | None = None
    """The project whose knowledge may be asked; without one, none."""
    databases: Mapping[str, str] = field(default_factory=dict, repr=False)
    """SQLAlchemy URLs by the names that the tool `sql.read` takes."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By name; the policy says which hosts get them. Their values are kept out of the journal and
    out of what these hosts answer."""
