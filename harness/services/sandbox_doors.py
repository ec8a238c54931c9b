"""Ways out of sandboxes that tenants make themselves."""

from dataclasses import dataclass

from harness.domain.door_spec import DoorSpec
from harness.domain.ids import ProjectId, TenantId
from harness.domain.scope import Scope
from harness.ports.policies import PolicyReader
from harness.services.agent_grants import AgentGrants


@dataclass(frozen=True, slots=True)
class SandboxDoors:
    """What a sandbox's own document, its agent's and its tenant's allow together."""

    grants: AgentGrants
    read: PolicyReader

    def spec(
        self, tenant: TenantId, project: ProjectId, agent: str, policy: str | None
    ) -> DoorSpec:
        """The way out of a sandbox; one without any document of its own leads nowhere. Blocking.

        Args:
            tenant: whose sandbox it is.
            project: whose secrets hold the keys of models, and whose failures are known.
            agent: whose stored document holds; empty for none.
            policy: a document for this sandbox, as people write it.

        Raises:
            InvalidDocument: the text is no policy; holds every mistake with its line.
        """
        own = None if policy is None else self.read(policy)
        scope = Scope(tenant, project)
        grant = self.grants.of_scope(scope, agent)
        return DoorSpec(grant.bounded(own), grant.sources, missing=grant.missing, scope=scope)
