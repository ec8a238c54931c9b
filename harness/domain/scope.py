"""Where a thing lives: every key, event, artifact and query carries a Scope."""

import re
from dataclasses import dataclass

from harness.domain.ids import ProjectId, TenantId
from harness.errors import InvalidInput

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Scope:
    """A project of a tenant.

    Raises:
        InvalidInput: a name is not lower-case letters, digits and inner hyphens, 1 to 63 long.
    """

    tenant: TenantId
    project: ProjectId

    def __post_init__(self) -> None:
        """Refuse names that could not stand in a URL, a topic or a folder."""
        for kind, name in (("tenant", self.tenant), ("project", self.project)):
            if not _NAME.fullmatch(name):
                raise InvalidInput(
                    f"The {kind} name {name!r} is not usable. "
                    "Use 1 to 63 lower-case letters, digits and inner hyphens."
                )


DEFAULT_SCOPE = Scope(TenantId("default"), ProjectId("default"))
"""Serves the single user of one machine."""
