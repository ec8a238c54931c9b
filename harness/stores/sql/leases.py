"""Leases; whether one is active is a question to the database's clock."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, text

from harness.domain.ids import HostId, LeaseId, ProjectId, RunId, TenantId
from harness.domain.lease import Lease
from harness.domain.run import Run
from harness.domain.scope import Scope
from harness.errors import Conflict, Fenced
from harness.ports.entropy import Entropy
from harness.stores.sql.codec import Values, micros, time_of
from harness.stores.sql.scoped import Scoped, chunks
from harness.stores.sql.session import Record, Session
from harness.stores.sql.tables import LEASES

_IS_OPEN = text("NOT ended")


@dataclass(frozen=True, slots=True)
class SqlLeases:
    """The leases of one scope."""

    db: Scoped
    entropy: Entropy

    def grant(self, run: Run, host: HostId, seconds: float) -> Lease:
        """A new lease with token `run.next_token`; the caller saves the run with the next one."""
        active = self.db.select(LEASES).where(
            LEASES.c.run_id == run.id, LEASES.c.host == host, _IS_OPEN
        )
        held = self.db.locked(active)
        now = self.db.now()
        for row in held:
            if row.expires_us > micros(now):
                raise Conflict(
                    f"Host {host} holds lease {row.id} of run {run.id} already. "
                    "End it, or work under it."
                )
        lease = Lease(
            id=LeaseId(self.entropy.new_id()),
            run_id=run.id,
            host=host,
            token=run.next_token,
            expires_at=now + timedelta(seconds=seconds),
        )
        self._insert(lease)
        return lease

    def renew(self, lease_ids: Collection[LeaseId], seconds: float) -> Sequence[LeaseId]:
        """Those that are active still; they now last `seconds` from now."""
        renewed: list[LeaseId] = []
        for piece in chunks(sorted(set(lease_ids))):
            query = self.db.select(LEASES).where(LEASES.c.id.in_(piece), _IS_OPEN)
            held = self.db.locked(query)
            now = self.db.now()
            active = [row.id for row in held if row.expires_us > micros(now)]
            mine = self.db.update(LEASES).where(LEASES.c.id.in_(active))
            self.db.change(mine.values(expires_us=micros(now + timedelta(seconds=seconds))))
            renewed.extend(active)
        return renewed

    def get(self, lease_id: LeaseId) -> Lease:
        """The lease, locked, if it is active."""
        held = self.db.locked(self.db.select(LEASES).where(LEASES.c.id == lease_id, _IS_OPEN))
        if not held or held[0].expires_us <= micros(self.db.now()):
            raise Fenced(
                f"Lease {lease_id} has ended or has expired. Stop this work: others may do it now."
            )
        return _lease(held[0])

    def of_run(self, run_id: RunId) -> Sequence[Lease]:
        """The run's leases that were not ended, expired or not."""
        query = self.db.select(LEASES).where(LEASES.c.run_id == run_id, _IS_OPEN)
        return [_lease(row) for row in self.db.rows(query.order_by(LEASES.c.token))]

    def end(self, lease_id: LeaseId) -> None:
        """Nobody may write under it any more."""
        self.db.change(self.db.update(LEASES).where(LEASES.c.id == lease_id).values(ended=True))

    def _insert(self, lease: Lease) -> None:
        row: Values = {
            "id": lease.id,
            "run_id": lease.run_id,
            "host": lease.host,
            "token": lease.token,
            "expires_us": micros(lease.expires_at),
            "ended": False,
        }
        self.db.insert(LEASES, [row])


def expired_leases(session: Session) -> list[tuple[Scope, Lease]]:
    """Leases of all tenants whose time is over and that were not ended."""
    query = select(LEASES).where(_IS_OPEN, LEASES.c.expires_us <= micros(session.now()))
    return [
        (Scope(TenantId(row.tenant), ProjectId(row.project)), _lease(row))
        for row in session.rows(query.order_by(LEASES.c.expires_us))
    ]


def lease_anywhere(session: Session, lease_id: LeaseId) -> tuple[Scope, Lease] | None:
    """A lease of any tenant, ended or not."""
    rows = session.rows(select(LEASES).where(LEASES.c.id == lease_id))
    scopes = [Scope(TenantId(row.tenant), ProjectId(row.project)) for row in rows]
    return (scopes[0], _lease(rows[0])) if rows else None


def _lease(row: Record) -> Lease:
    return Lease(
        id=LeaseId(row.id),
        run_id=RunId(row.run_id),
        host=HostId(row.host),
        token=row.token,
        expires_at=time_of(row.expires_us),
    )
