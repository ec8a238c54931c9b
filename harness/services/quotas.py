"""What tenants may have at once, and whether there is room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.domain.ids import TenantId
from harness.domain.principal import Principal
from harness.domain.quota import Quota, QuotaName
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import QuotaExceeded
from harness.ports.records import Records, Transaction


@dataclass(frozen=True, slots=True)
class Quotas:
    """Limits of tenants; where none was set, the installation's hold."""

    records: Records
    defaults: Mapping[QuotaName, int] = field(default_factory=dict)
    """A name that is missing is without limit."""

    def admit(self, tx: Transaction, tenant: TenantId) -> None:
        """Keep room for one more run until the transaction ends.

        Submissions of one tenant pass here one at a time, so that no two take the last place.

        Raises:
            QuotaExceeded: the tenant has as many runs under way as it may.
        """
        quota = self._quota(QuotaName.ACTIVE_RUNS, tx.quotas.capacity(QuotaName.ACTIVE_RUNS))
        if quota.capacity is None:
            return
        used = tx.quotas.active_runs()
        if used >= quota.capacity:
            raise QuotaExceeded(
                f"Tenant {tenant} has {used} runs under way and may have {quota.capacity}. Wait "
                "for one to end, cancel one, or ask an operator for a larger quota."
            )

    def capacity(self, tenant: TenantId, name: QuotaName) -> int | None:
        """One limit of a tenant; None means without."""
        with self.records.transaction(_scope(tenant)) as tx:
            return self._quota(name, tx.quotas.capacity(name)).capacity

    def of_tenant(self, tenant: TenantId) -> Sequence[Quota]:
        """Every limit of a tenant."""
        with self.records.transaction(_scope(tenant)) as tx:
            found = [self._quota(name, tx.quotas.capacity(name)) for name in QuotaName]
            active = tx.quotas.active_runs()
        return [
            Quota(q.name, q.capacity, active if q.name is QuotaName.ACTIVE_RUNS else None)
            for q in found
        ]

    def set(self, by: Principal, name: QuotaName, capacity: int | None) -> Quota:
        """Limit the caller's tenant; None goes back to what the installation says.

        Raises:
            InvalidInput: the capacity is out of range.
        """
        Quota(name, capacity)
        with self.records.transaction(_scope(by.tenant)) as tx:
            tx.quotas.set(name, capacity)
        return next(quota for quota in self.of_tenant(by.tenant) if quota.name is name)

    def _quota(self, name: QuotaName, capacity: int | None) -> Quota:
        return Quota(name, self.defaults.get(name) if capacity is None else capacity)


def _scope(tenant: TenantId) -> Scope:
    """Quotas are the tenant's; the project of the transaction does not matter."""
    return Scope(tenant, DEFAULT_SCOPE.project)
