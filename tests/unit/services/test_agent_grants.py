"""A host gets what an agent's documents allow, under a living lease alone."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.domain.agent_grant import AgentGrant, ModelSource
from harness.domain.ids import HostId, LeaseId
from harness.domain.model_server import ModelServer
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.policy_version import TENANT
from harness.domain.price import Price
from harness.domain.principal import Principal, Role
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Fenced
from harness.services.agent_grants import AgentGrants
from harness.services.model_servers import ModelServers
from harness.services.policies import Policies
from harness.services.secrets import Secrets
from harness.stores.sql.records import SqlRecords
from tests.fakes.entropy import FakeEntropy
from tests.support.samples import OTHER_PROJECT, SUBMITTED, a_run

OLGA = Principal("olga", DEFAULT_SCOPE.tenant, Role.OPERATOR)
OTTO = Principal("otto", OTHER_PROJECT.tenant, Role.OPERATOR)
KEY = "sk-0123456789"
URL = "https://h.example/v1"


def words(text: str) -> Policy:
    """The plainest reader: names of models."""
    return Policy(models=NameSet.parse(text.split()))


class House:
    """A tenant and the lease of one of its runs."""

    def __init__(self, records: SqlRecords) -> None:
        self.records = records
        self.secrets = Secrets(records, records.secrets(b"key"))
        self.policies = Policies(records, words)
        self.servers = ModelServers(records)
        self.grants = AgentGrants(records, self.secrets.store)
        with records.transaction(DEFAULT_SCOPE) as tx:
            self.lease = tx.leases.grant(tx.runs.add(a_run(), [SUBMITTED]), HostId("h"), 60).id

    def grant(self, agent: str, lease_id: LeaseId | None = None) -> AgentGrant:
        return self.grants.of_lease(DEFAULT_SCOPE, lease_id or self.lease, agent)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(SqlRecords(f"sqlite:///{tmp_path / 'r.db'}", FakeEntropy())) as records:
        records.migrate()
        yield House(records)


def test_a_tenant_without_a_document_grants_nothing(house: House) -> None:
    house.policies.put(OLGA, "cook", "*")
    assert house.grant("cook") == AgentGrant(Policy(), [], is_named=True)
    assert house.grant("waiter") == house.grant("") == AgentGrant(Policy(), [])


def test_a_named_agent_gets_what_both_documents_allow(house: House) -> None:
    house.policies.put(OLGA, TENANT, "a b")
    house.policies.put(OLGA, "cook", "b c")
    assert house.grant("cook") == AgentGrant(words("b"), [], is_named=True)


@pytest.mark.parametrize("agent", ["", "waiter", "no name/\0"])
def test_another_agent_gets_the_tenants_document_and_is_told_so(house: House, agent: str) -> None:
    house.policies.put(OLGA, TENANT, "a b")
    house.policies.put(OLGA, "cook", "b c")
    assert house.grant(agent) == AgentGrant(words("a b"), [], is_named=False)


def test_a_removed_document_is_none(house: House) -> None:
    house.policies.put(OLGA, TENANT, "a b")
    house.policies.put(OLGA, "cook", "a")
    house.policies.remove(OLGA, "cook")
    assert house.grant("cook") == AgentGrant(words("a b"), [], is_named=False)


def test_sources_that_may_be_asked_come_with_their_keys(house: House) -> None:
    house.policies.put(OLGA, TENANT, "one/* two/m")
    house.secrets.put(DEFAULT_SCOPE, "KEY", KEY, OLGA)
    prices = {"m": Price(1, 2)}
    for name, secret in (("one", "KEY"), ("two", ""), ("three", "KEY"), ("on", "KEY")):
        house.servers.put(OLGA, ModelServer(name, URL, secret, prices))
    grant = house.grant("")
    one, two = ModelSource("one", URL, KEY, prices), ModelSource("two", URL, "", prices)
    assert grant.sources == [one, two]
    assert KEY not in repr(grant)
    assert grant.missing == {}


def test_a_source_without_its_secret_is_left_out_and_named(house: House) -> None:
    house.policies.put(OLGA, TENANT, "*")
    house.secrets.put(OTHER_PROJECT, "KEY", KEY, OTTO)
    house.servers.put(OLGA, ModelServer("one", URL, "KEY"))
    house.servers.put(OLGA, ModelServer("two", URL))
    grant = house.grant("")
    assert [source.name for source in grant.sources] == ["two"]
    assert list(grant.missing) == ["one"]
    assert "has no secret KEY. Set it: ath secrets set KEY" in grant.missing["one"]


def test_an_ended_lease_gets_nothing(house: House) -> None:
    with house.records.transaction(DEFAULT_SCOPE) as tx:
        tx.leases.end(house.lease)
    with pytest.raises(Fenced):
        house.grant("cook")


def test_another_scope_gets_nothing_under_the_lease(house: House) -> None:
    with pytest.raises(Fenced):
        house.grants.of_lease(OTHER_PROJECT, house.lease, "cook")
