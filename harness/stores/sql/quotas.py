"""Limits of tenants."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from harness.domain.ids import TenantId
from harness.domain.quota import QuotaName
from harness.stores.sql.session import Session
from harness.stores.sql.tables import QUOTAS, RUNS


@dataclass(frozen=True, slots=True)
class SqlQuotas:
    """The limits of one tenant."""

    session: Session
    tenant: TenantId

    def capacity(self, name: QuotaName) -> int | None:
        """What was set, None if nothing was; locked."""
        self._have(name)
        query = select(QUOTAS.c.capacity).where(self._is(name)).with_for_update()
        found: int | None = self.session.rows(query, lock=True)[0].capacity
        return found

    def set(self, name: QuotaName, capacity: int | None) -> None:
        """Limit the tenant; None goes back to what the installation says."""
        self._have(name)
        self.session.change(update(QUOTAS).where(self._is(name)).values(capacity=capacity))

    def active_runs(self) -> int:
        """How many of the tenant's runs have not ended."""
        query = select(func.count().label("runs")).select_from(RUNS)
        found = self.session.rows(query.where(RUNS.c.tenant == self.tenant, text("NOT ended")))
        return int(found[0].runs)

    def _have(self, name: QuotaName) -> None:
        """There must be a row that can be locked."""
        insert = sqlite.insert if self.session.dialect == "sqlite" else postgresql.insert
        row = {"tenant": self.tenant, "name": name, "capacity": None}
        self.session.change_many(insert(QUOTAS).on_conflict_do_nothing(), [row])

    def _is(self, name: QuotaName) -> ColumnElement[bool]:
        return and_(QUOTAS.c.tenant == self.tenant, QUOTAS.c.name == name)


def capacities(session: Session, name: QuotaName) -> Mapping[TenantId, int]:
    """What was set for each tenant."""
    query = select(QUOTAS).where(QUOTAS.c.name == name, QUOTAS.c.capacity.is_not(None))
    return {TenantId(row.tenant): row.capacity for row in session.rows(query)}
