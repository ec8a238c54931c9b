"""What tenants and their agents may do: documents, their versions, and what holds of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.domain.effective_policy import EffectivePolicy
from harness.domain.ids import TenantId
from harness.domain.policy import Policy
from harness.domain.policy_version import (
    MOST_AGENTS,
    MOST_TEXT,
    MOST_VERSIONS,
    TENANT,
    PolicyDocument,
    PolicyVersion,
    check_agent_name,
)
from harness.domain.principal import Principal
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import Conflict, InvalidInput, NotFound
from harness.ports.policies import PolicyReader
from harness.ports.records import Records, Transaction

T = TypeVar("T")

TRIES = 5
"""Of a change that meets another one of the same document."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The documents of tenants; `TENANT` in place of an agent's name means the tenant's own."""

    records: Records
    read: PolicyReader

    def put(
        self, by: Principal, agent: str, text: str, replacing: int | None = None
    ) -> PolicyDocument:
        """Make a new version; the same text as the one that holds changes nothing.

        Args:
            by: whose tenant's.
            agent: whose document.
            text: as people write it.
            replacing: the number of the version that must hold, 0 for none.

        Raises:
            InvalidDocument: the text is no policy; holds every mistake with its line.
            InvalidInput: the name cannot be one, the text is too long, or the tenant has too many.
            Conflict: another version holds than the one to be replaced.
        """
        _check(agent)
        if len(text.encode(errors="replace")) > MOST_TEXT:
            raise InvalidInput(f"A policy can have {MOST_TEXT} bytes; this one has more.")
        policy = self.read(text)

        def add(tx: Transaction) -> PolicyDocument:
            stands = tx.policies.get(agent)
            if stands is not None and stands.text == text:
                return stands
            number = _next(tx, agent, stands.version.number if stands else 0, replacing)
            version = PolicyVersion(agent, number, policy.version, by.name, tx.now())
            document = PolicyDocument(version, text, policy)
            tx.policies.put(document)
            tx.policies.forget(agent, before=number - MOST_VERSIONS + 1)
            if len(tx.policies.list()) > MOST_AGENTS + 1:
                raise InvalidInput(f"A tenant can have policies of {MOST_AGENTS} agents.")
            return document

        return self._change(by, add)

    def remove(self, by: Principal, agent: str, replacing: int | None = None) -> None:
        """The document holds no more; its versions are kept.

        Raises:
            NotFound: there is none.
            Conflict: another version holds than the one to be removed.
        """
        _check(agent)

        def end(tx: Transaction) -> None:
            stands = tx.policies.get(agent)
            if stands is None:
                raise NotFound(_missing(agent))
            number = _next(tx, agent, stands.version.number, replacing)
            tx.policies.remove(PolicyVersion(agent, number, None, by.name, tx.now()))

        self._change(by, end)

    def get(self, tenant: TenantId, agent: str, number: int | None = None) -> PolicyDocument:
        """The document that holds, or one of its versions.

        Raises:
            NotFound: there is none.
        """
        _check(agent)
        with self.records.transaction(_scope(tenant)) as tx:
            found = tx.policies.get(agent, number)
        if found is None:
            raise NotFound(_missing(agent) if number is None else _no_version(agent, number))
        return found

    def list(self, tenant: TenantId) -> Sequence[PolicyVersion]:
        """What holds: the tenant's document, then those of agents by name."""
        with self.records.transaction(_scope(tenant)) as tx:
            return tx.policies.list()

    def versions(self, tenant: TenantId, agent: str) -> Sequence[PolicyVersion]:
        """Every version of a document, newest first, with removals.

        Raises:
            NotFound: there never was one.
        """
        _check(agent)
        with self.records.transaction(_scope(tenant)) as tx:
            found = tx.policies.versions(agent)
        if not found:
            raise NotFound(_missing(agent))
        return found

    def effective(self, tenant: TenantId, agent: str) -> EffectivePolicy:
        """What an agent of this name may do by its documents.

        Raises:
            InvalidInput: the name cannot be one, or the two documents cannot be intersected.
        """
        check_agent_name(agent)
        with self.records.transaction(_scope(tenant)) as tx:
            bound, own = tx.policies.get(TENANT), tx.policies.get(agent)
        policy = bound.policy.meet(own.policy) if bound and own else Policy()
        return EffectivePolicy(
            agent, bound.version if bound else None, own.version if own else None, policy
        )

    def seed(self, tenant: TenantId, text: str, by: Principal) -> bool:
        """Give a tenant that never had a document its first; whether it did so."""
        policy = self.read(text)

        def add(tx: Transaction) -> bool:
            if tx.policies.newest(TENANT) is not None:
                return False
            version = PolicyVersion(TENANT, 1, policy.version, by.name, tx.now())
            tx.policies.put(PolicyDocument(version, text, policy))
            return True

        return self._change(by, add)

    def _change(self, by: Principal, change: Callable[[Transaction], T]) -> T:
        """Change what holds now: where two add the same number, the later one reads again."""
        for left in reversed(range(TRIES)):
            try:
                with self.records.transaction(_scope(by.tenant)) as tx:
                    return change(tx)
            except _Stale:
                raise
            except Conflict:
                if not left:
                    raise
        raise AssertionError


class _Stale(Conflict):
    """What the caller wanted to replace does not hold any more, so trying again cannot help."""


def _next(tx: Transaction, agent: str, holds: int, replacing: int | None) -> int:
    """The number of the next version."""
    newest = tx.policies.newest(agent)
    if replacing is not None and replacing != holds:
        raise _Stale(f"Version {holds} of this policy holds, not {replacing}. Read it again.")
    return newest.number + 1 if newest else 1


def _check(agent: str) -> None:
    if agent != TENANT:
        check_agent_name(agent)


def _missing(agent: str) -> str:
    if agent == TENANT:
        return "The tenant has no policy. Set one: ath policy set --tenant FILE"
    return f"There is no policy of agent {agent}. Set one: ath policy set --agent {agent} FILE"


def _no_version(agent: str, number: int) -> str:
    whose = f"of agent {agent}" if agent else "of the tenant"
    return f"There is no version {number} of the policy {whose}, or it is a removal."


def _scope(tenant: TenantId) -> Scope:
    """Policies are the tenant's; the project of the transaction does not matter."""
    return Scope(tenant, DEFAULT_SCOPE.project)
