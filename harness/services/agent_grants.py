"""What an agent gets when a run lets it begin."""

from dataclasses import dataclass

from harness.domain.agent_grant import AgentGrant
from harness.domain.host_rule import HostPattern, HostRule
from harness.domain.ids import LeaseId
from harness.domain.name_set import NameSet
from harness.domain.network_policy import NetworkPolicy
from harness.domain.policy import Policy
from harness.domain.scope import Scope
from harness.ports.records import Records

PUBLIC = Policy(
    NetworkPolicy.allowing([HostRule(HostPattern("*"))]), NameSet.parse("*"), NameSet.parse("*")
)
"""Of a tenant that says nothing: web servers of the public internet, and whatever its agents'
documents name."""


@dataclass(frozen=True, slots=True)
class AgentGrants:
    """Hands out what documents allow."""

    records: Records

    def of_lease(self, scope: Scope, lease_id: LeaseId, agent: str) -> AgentGrant:
        """For an agent of the lease's run.

        Raises:
            Fenced: the lease has ended.
        """
        with self.records.transaction(scope) as tx:
            tx.leases.get(lease_id)
        return AgentGrant(PUBLIC)
