"""Policies of a tenant and of its agents, version by version."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, insert, select

from harness.domain.ids import Digest, TenantId
from harness.domain.plain_policy import policy_of
from harness.domain.policy_version import PolicyDocument, PolicyVersion
from harness.stores.sql.codec import Values, micros, time_of
from harness.stores.sql.session import Record, Session
from harness.stores.sql.tables import POLICIES

_HEAD = (
    POLICIES.c.agent,
    POLICIES.c.number,
    POLICIES.c.digest,
    POLICIES.c.created_us,
    POLICIES.c.created_by,
)


@dataclass(frozen=True, slots=True)
class SqlPolicies:
    """The documents of one tenant."""

    session: Session
    tenant: TenantId

    def put(self, document: PolicyDocument) -> None:
        """Add a version."""
        row = {
            **self._head(document.version),
            "text": document.text,
            "policy": json.dumps(document.policy.plain()),
        }
        self.session.change_many(insert(POLICIES), [row])

    def remove(self, version: PolicyVersion) -> None:
        """Add a version that says the document is gone."""
        self.session.change_many(insert(POLICIES), [self._head(version)])

    def newest(self, agent: str) -> PolicyVersion | None:
        """The last version, also of a removal."""
        query = select(*_HEAD).where(self._of(agent)).order_by(POLICIES.c.number.desc()).limit(1)
        return next(map(_version, self.session.rows(query)), None)

    def get(self, agent: str, number: int | None = None) -> PolicyDocument | None:
        """One version, or the one that holds."""
        query = select(POLICIES).where(self._of(agent)).order_by(POLICIES.c.number.desc())
        if number is not None:
            query = query.where(POLICIES.c.number == number)
        found = self.session.rows(query.limit(1))
        if not found or found[0].digest is None:
            return None
        policy = policy_of(json.loads(found[0].policy))
        return PolicyDocument(_version(found[0]), found[0].text, policy)

    def list(self) -> Sequence[PolicyVersion]:
        """The versions that hold: the tenant's, then those of agents by name."""
        last = (
            select(POLICIES.c.agent, func.max(POLICIES.c.number).label("number"))
            .where(POLICIES.c.tenant == self.tenant)
            .group_by(POLICIES.c.agent)
            .subquery()
        )
        is_last = and_(POLICIES.c.agent == last.c.agent, POLICIES.c.number == last.c.number)
        query = (
            select(*_HEAD)
            .join(last, is_last)
            .where(POLICIES.c.tenant == self.tenant, POLICIES.c.digest.is_not(None))
            .order_by(POLICIES.c.agent)
        )
        return [_version(row) for row in self.session.rows(query)]

    def versions(self, agent: str) -> Sequence[PolicyVersion]:
        """Newest first, with removals."""
        query = select(*_HEAD).where(self._of(agent)).order_by(POLICIES.c.number.desc())
        return [_version(row) for row in self.session.rows(query)]

    def forget(self, agent: str, before: int) -> None:
        """Delete the versions whose number is lower."""
        self.session.change(delete(POLICIES).where(self._of(agent), POLICIES.c.number < before))

    def _of(self, agent: str) -> ColumnElement[bool]:
        return and_(POLICIES.c.tenant == self.tenant, POLICIES.c.agent == agent)

    def _head(self, version: PolicyVersion) -> Values:
        return {
            "tenant": self.tenant,
            "agent": version.agent,
            "number": version.number,
            "digest": version.digest,
            "created_us": micros(version.at),
            "created_by": version.by,
        }


def _version(row: Record) -> PolicyVersion:
    digest = None if row.digest is None else Digest(row.digest)
    return PolicyVersion(row.agent, row.number, digest, row.created_by, time_of(row.created_us))
