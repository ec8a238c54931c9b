"""What an agent gets when a run lets it begin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.domain.agent_grant import AgentGrant, ModelSource
from harness.domain.ids import LeaseId
from harness.domain.model_server import ModelServer
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.policy_version import TENANT, is_agent_name
from harness.domain.scope import Scope
from harness.ports.records import Records
from harness.ports.secrets import SecretStore


@dataclass(frozen=True, slots=True)
class AgentGrants:
    """Hands out what documents allow, and the models that they let it ask."""

    records: Records
    secrets: SecretStore

    def of_lease(self, scope: Scope, lease_id: LeaseId, agent: str) -> AgentGrant:
        """For an agent of the lease's run.

        One without a document, or without a name, gets what the tenant's document allows, and
        `is_named` is false.

        Raises:
            Fenced: the lease has ended.
            Corrupt: a key was stored under another secret of the installation.
        """
        with self.records.transaction(scope) as tx:
            tx.leases.get(lease_id)
        return self.of_scope(scope, agent)

    def of_scope(self, scope: Scope, agent: str) -> AgentGrant:
        """For an agent of a project, whoever asks.

        Raises:
            Corrupt: a key was stored under another secret of the installation.
        """
        with self.records.transaction(scope) as tx:
            bound = tx.policies.get(TENANT)
            own = tx.policies.get(agent) if is_agent_name(agent) else None
            servers = tx.model_servers.list()
        policy = bound.policy if bound else Policy()
        if own is not None:
            policy = policy.meet(own.policy)
        askable = [each for each in servers if _may_ask(policy, each)]
        keys = self._keys(scope, {each.key_secret for each in askable if each.key_secret})
        return AgentGrant(
            policy, _sources(askable, keys), own is not None, _missing(scope, askable, keys)
        )

    def _keys(self, scope: Scope, names: set[str]) -> Mapping[str, str]:
        """Values of those secrets that the run's project has."""
        if not names:
            return {}
        found = names & {secret.name for secret in self.secrets.names(scope)}
        return self.secrets.values(scope, found) if found else {}


def _may_ask(policy: Policy, server: ModelServer) -> bool:
    """Whether the policy may allow any model of the server; a key that nobody needs stays here."""
    return bool(policy.models.meet(NameSet.parse([f"{server.name}/*"])).patterns)


def _sources(servers: Sequence[ModelServer], keys: Mapping[str, str]) -> Sequence[ModelSource]:
    return [
        ModelSource(each.name, each.base_url, keys.get(each.key_secret, ""), each.prices)
        for each in servers
        if not each.key_secret or each.key_secret in keys
    ]


def _missing(
    scope: Scope, servers: Sequence[ModelServer], keys: Mapping[str, str]
) -> Mapping[str, str]:
    return {
        each.name: f"Project {scope.project} has no secret {each.key_secret}. Set it: "
        f"ath secrets set {each.key_secret}"
        for each in servers
        if each.key_secret and each.key_secret not in keys
    }
