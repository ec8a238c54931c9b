"""Policies of a tenant and of its agents as they were written, each change a version."""

import re
from dataclasses import dataclass
from datetime import datetime

from harness.domain.ids import Digest
from harness.domain.policy import Policy
from harness.errors import InvalidInput

TENANT = ""
"""Stands for the tenant's own document where agents' are named."""
MOST_TEXT = 256 * 1024
"""Bytes of a document."""
MOST_AGENTS = 1000
"""Of one tenant, with a document."""
MOST_VERSIONS = 1000
"""Of one document; older ones are forgotten."""

AGENT_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}"
_NAME = re.compile(AGENT_NAME)


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """That a document was put or removed."""

    agent: str
    """Empty for the tenant's own document."""
    number: int
    """Counts from 1 and goes on after a removal."""
    digest: Digest | None
    """Of what it means (`Policy.version`); None says that the document was removed."""
    by: str
    at: datetime

    @property
    def of(self) -> str:
        """Whose document it is, as people say."""
        return f"agent {self.agent}" if self.agent else "the tenant"


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A version with what was written and what it means."""

    version: PolicyVersion
    text: str
    policy: Policy


def is_agent_name(name: str) -> bool:
    """Whether an agent can have this name."""
    return _NAME.fullmatch(name) is not None


def check_agent_name(name: str) -> None:
    """Refuse what cannot name an agent.

    Raises:
        InvalidInput: says what a name is made of.
    """
    if not is_agent_name(name):
        raise InvalidInput(
            f"{name[:80]!r} cannot name an agent. Use letters, digits, `_`, `.` and `-`, at most "
            "120, and begin with a letter or a digit."
        )
