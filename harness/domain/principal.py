"""Who is asking."""

from dataclasses import dataclass
from enum import StrEnum

from harness.domain.ids import ProjectId, TenantId


class Role(StrEnum):
    """What a principal may do; each includes the ones before it."""

    VIEWER = "viewer"
    MEMBER = "member"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller."""

    name: str
    tenant: TenantId
    role: Role
    projects: tuple[ProjectId, ...] = ()
    """Empty means every project of the tenant."""

    def may(self, role: Role, tenant: TenantId, project: ProjectId) -> bool:
        """Whether the caller has at least this role there; nobody reaches into another tenant."""
        ranks = list(Role)
        return (
            tenant == self.tenant
            and (not self.projects or project in self.projects)
            and ranks.index(self.role) >= ranks.index(role)
        )
