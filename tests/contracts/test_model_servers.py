"""Model servers of a tenant."""

import pytest

from harness.domain.ids import TenantId
from harness.domain.model_server import ModelServer
from harness.domain.price import Price
from harness.domain.principal import Principal, Role
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import InvalidInput, NotFound
from harness.ports.records import Records
from harness.services import model_servers as service
from harness.services.model_servers import ModelServers

OLGA = Principal("olga", DEFAULT_SCOPE.tenant, Role.OPERATOR)
OTTO = Principal("otto", TenantId("other"), Role.OPERATOR)
OPENAI = ModelServer("openai", "https://api.openai.com/v1", "OPENAI_KEY", {"m": Price(1, 2)})


def test_servers_are_listed_by_name_until_they_are_removed(records: Records) -> None:
    servers = ModelServers(records)
    stored = servers.put(OLGA, OPENAI)
    local = servers.put(OLGA, ModelServer("local", "http://127.0.0.1:11434/v1"))
    assert servers.list(OLGA.tenant) == [local, stored]
    assert (stored.prices, stored.by) == ({"m": Price(1, 2)}, "olga")
    again = servers.put(OLGA, ModelServer("openai", "https://other.example/v1"))
    assert servers.list(OLGA.tenant) == [local, again]
    servers.remove(OLGA, "local")
    assert servers.list(OLGA.tenant) == [again]
    with pytest.raises(NotFound, match="no source of models 'local'"):
        servers.remove(OLGA, "local")


def test_tenants_see_only_their_own(records: Records) -> None:
    servers = ModelServers(records)
    servers.put(OLGA, OPENAI)
    assert servers.list(OTTO.tenant) == []
    with pytest.raises(NotFound):
        servers.remove(OTTO, "openai")
    servers.put(OTTO, ModelServer("openai", "https://other.example/v1"))
    assert servers.list(OLGA.tenant)[0].base_url == OPENAI.base_url


def test_a_tenant_cannot_have_too_many(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_SERVERS", 1)
    servers = ModelServers(records)
    servers.put(OLGA, OPENAI)
    with pytest.raises(InvalidInput, match="can have 1 source"):
        servers.put(OLGA, ModelServer("local", "http://127.0.0.1:11434/v1"))
    assert len(servers.list(OLGA.tenant)) == 1
