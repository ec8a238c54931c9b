"""What hosts said of their workers; a host that restarts says it again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.domain.ids import HostId, LeaseId, TenantId


@dataclass(slots=True)
class Fleet:
    """Workers of every host, by the lease they serve."""

    _held: dict[HostId, Mapping[LeaseId, int]] = field(default_factory=dict)
    _capacity: dict[HostId, int] = field(default_factory=dict)

    def hear(self, host: HostId, free: int, held: Mapping[LeaseId, int]) -> None:
        """A host has so many free workers, and these at work."""
        self._held[host] = held
        self._capacity[host] = free + sum(held.values())

    def used(self, tenant_of: Callable[[LeaseId], TenantId | None]) -> Mapping[TenantId, int]:
        """Workers at work, by tenant."""
        used: dict[TenantId, int] = {}
        for held in self._held.values():
            for lease_id, workers in held.items():
                tenant = tenant_of(lease_id)
                if tenant is not None:
                    used[tenant] = used.get(tenant, 0) + workers
        return used

    def is_beyond_its_share(self, lease_id: LeaseId, waiting: int) -> bool:
        """Whether a lease has more workers than it should have while so many runs wait."""
        if not waiting:
            return False
        busy = [lease for held in self._held.values() for lease, n in held.items() if n]
        share = max(1, sum(self._capacity.values()) // (len(busy) + waiting))
        return any(held.get(lease_id, 0) > share for held in self._held.values())
