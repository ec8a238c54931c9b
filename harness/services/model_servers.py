"""Whom a tenant's agents may ask."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.domain.ids import TenantId
from harness.domain.model_server import MOST_SERVERS, ModelServer, check_server_name
from harness.domain.principal import Principal
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import InvalidInput, NotFound
from harness.ports.records import Records


@dataclass(frozen=True, slots=True)
class ModelServers:
    """Counts for agents that begin from then on."""

    records: Records

    def list(self, tenant: TenantId) -> Sequence[ModelServer]:
        """By name."""
        with self.records.transaction(_scope(tenant)) as tx:
            return tx.model_servers.list()

    def put(self, by: Principal, server: ModelServer) -> ModelServer:
        """Configure a server, or replace the one of the same name; gives it as stored.

        Raises:
            InvalidInput: the tenant has too many.
        """
        with self.records.transaction(_scope(by.tenant)) as tx:
            stored = replace(server, by=by.name, at=tx.now())
            tx.model_servers.put(stored)
            if len(tx.model_servers.list()) > MOST_SERVERS:
                raise InvalidInput(f"A tenant can have {MOST_SERVERS} sources of models.")
            return stored

    def remove(self, by: Principal, name: str) -> None:
        """Agents that begin from now on cannot ask it.

        Raises:
            NotFound: there is none of this name.
        """
        check_server_name(name)
        with self.records.transaction(_scope(by.tenant)) as tx:
            if not tx.model_servers.remove(name):
                raise NotFound(f"There is no source of models {name[:80]!r}; see ath models list.")


def _scope(tenant: TenantId) -> Scope:
    """Servers are the tenant's; the project of the transaction does not matter."""
    return Scope(tenant, DEFAULT_SCOPE.project)
