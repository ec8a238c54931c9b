"""Policies of tenants and agents, in versions that nobody takes back."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.domain.ids import TenantId
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.policy_version import MOST_TEXT, TENANT
from harness.domain.principal import Principal, Role
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Conflict, InvalidInput, NotFound
from harness.ports.records import Records
from harness.services import policies as service
from harness.services.policies import Policies

OLGA = Principal("olga", DEFAULT_SCOPE.tenant, Role.OPERATOR)
OTTO = Principal("otto", TenantId("other"), Role.OPERATOR)
HERE, THERE = OLGA.tenant, OTTO.tenant


def words(text: str) -> Policy:
    """The plainest reader: names of models."""
    return Policy(models=NameSet.parse(text.split()))


@pytest.fixture
def policies(records: Records) -> Policies:
    return Policies(records, words)


def test_every_put_is_a_version_with_author_time_and_text(policies: Policies) -> None:
    first = policies.put(OLGA, "cook", "a\n b")
    second = policies.put(OLGA, "cook", "c")
    assert policies.get(HERE, "cook") == second
    assert policies.get(HERE, "cook", 1) == first
    assert (first.text, first.policy, first.version.digest) == (
        "a\n b",
        words("a b"),
        words("b a").version,
    )
    assert policies.versions(HERE, "cook") == [second.version, first.version]
    assert [(v.number, v.by) for v in policies.versions(HERE, "cook")] == [(2, "olga"), (1, "olga")]
    assert first.version.at <= second.version.at


def test_the_same_text_again_changes_nothing(policies: Policies) -> None:
    first = policies.put(OLGA, "cook", "a")
    assert policies.put(OLGA, "cook", "a", replacing=7) == first
    policies.remove(OLGA, "cook")
    assert policies.put(OLGA, "cook", "a").version.number == 3


def test_what_was_removed_holds_no_more_and_is_remembered(policies: Policies) -> None:
    policies.put(OLGA, "cook", "a")
    policies.remove(OLGA, "cook")
    with pytest.raises(NotFound, match="no policy of agent cook"):
        policies.get(HERE, "cook")
    with pytest.raises(NotFound, match="no policy of agent cook"):
        policies.remove(OLGA, "cook")
    assert policies.list(HERE) == []
    assert [version.digest is None for version in policies.versions(HERE, "cook")] == [True, False]
    assert policies.get(HERE, "cook", 1).text == "a"
    with pytest.raises(NotFound, match="no version 2"):
        policies.get(HERE, "cook", 2)


def test_only_the_version_that_was_read_is_replaced(policies: Policies) -> None:
    policies.put(OLGA, "cook", "a", replacing=0)
    with pytest.raises(Conflict, match="Version 1 of this policy holds, not 0"):
        policies.put(OLGA, "cook", "b", replacing=0)
    policies.put(OLGA, "cook", "b", replacing=1)
    with pytest.raises(Conflict, match="Version 2 of this policy holds, not 1"):
        policies.remove(OLGA, "cook", replacing=1)
    policies.remove(OLGA, "cook", replacing=2)
    assert policies.put(OLGA, "cook", "c", replacing=0).version.number == 4


def test_documents_are_intersected_and_none_is_nothing(policies: Policies) -> None:
    policies.put(OLGA, "cook", "a b")
    assert policies.effective(HERE, "cook").policy == Policy()
    policies.put(OLGA, TENANT, "b c")
    found = policies.effective(HERE, "cook")
    assert (found.policy, found.tenant, found.own) == (
        words("b"),
        policies.get(HERE, TENANT).version,
        policies.get(HERE, "cook").version,
    )
    unnamed = policies.effective(HERE, "waiter")
    assert (unnamed.policy, unnamed.own) == (Policy(), None)


def test_tenants_see_only_their_own(policies: Policies) -> None:
    policies.put(OLGA, TENANT, "a")
    policies.put(OLGA, "cook", "a")
    assert policies.list(THERE) == []
    assert policies.effective(THERE, "cook").policy == Policy()
    for look in (
        lambda: policies.get(THERE, "cook"),
        lambda: policies.versions(THERE, "cook"),
        lambda: policies.remove(OTTO, "cook"),
    ):
        with pytest.raises(NotFound):
            look()
    assert policies.put(OTTO, "cook", "b").version.number == 1
    assert [version.agent for version in policies.list(HERE)] == [TENANT, "cook"]
    assert policies.get(HERE, "cook").text == "a"


def test_a_tenant_is_seeded_once_and_not_after_a_removal(policies: Policies) -> None:
    assert policies.seed(HERE, "a", OLGA)
    assert not policies.seed(HERE, "b", OLGA)
    assert policies.get(HERE, TENANT).text == "a"
    policies.remove(OLGA, TENANT)
    assert not policies.seed(HERE, "b", OLGA)
    with pytest.raises(NotFound, match="The tenant has no policy"):
        policies.get(HERE, TENANT)


def test_changes_at_the_same_time_are_all_kept(policies: Policies) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: policies.put(OLGA, "cook", f"m{n}"), range(4)))
    found = policies.versions(HERE, "cook")
    assert [version.number for version in found] == [4, 3, 2, 1]
    assert len({version.digest for version in found}) == 4


def test_what_cannot_name_an_agent_is_refused(policies: Policies) -> None:
    for name in ("-a", "a/b", "a b", "é", "a" * 121, "a\n", "\0"):
        for use in (
            lambda name: policies.put(OLGA, name, "a"),
            lambda name: policies.remove(OLGA, name),
            lambda name: policies.get(HERE, name),
            lambda name: policies.versions(HERE, name),
            lambda name: policies.effective(HERE, name),
        ):
            with pytest.raises(InvalidInput, match="cannot name an agent"):
                use(name)


def test_documents_are_bounded(policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match=f"can have {MOST_TEXT} bytes"):
        policies.put(OLGA, "cook", "é" * (MOST_TEXT // 2 + 1))
    monkeypatch.setattr(service, "MOST_AGENTS", 1)
    monkeypatch.setattr(service, "MOST_VERSIONS", 2)
    for text in ("a", "b", "c"):
        policies.put(OLGA, "cook", text)
    policies.put(OLGA, TENANT, "a")
    with pytest.raises(InvalidInput, match="policies of 1 agents"):
        policies.put(OLGA, "waiter", "a")
    assert [version.number for version in policies.versions(HERE, "cook")] == [3, 2]
    assert len(policies.list(HERE)) == 2
