"""The record store on SQLite or PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from harness.domain.ids import EventId, LeaseId, TenantId
from harness.domain.lease import Lease
from harness.domain.principal import Principal
from harness.domain.quota import QuotaName
from harness.domain.run import Run
from harness.domain.scope import Scope
from harness.events.envelope import Event
from harness.ports.entropy import Entropy
from harness.stores.sql.api_keys import principal_of, put_key
from harness.stores.sql.engine import Limits, open_engine
from harness.stores.sql.events import mark_published, unpublished
from harness.stores.sql.leases import expired_leases, lease_anywhere
from harness.stores.sql.migration import migrate
from harness.stores.sql.quotas import capacities
from harness.stores.sql.runs import active_runs
from harness.stores.sql.scoped import Scoped
from harness.stores.sql.seal import Seal
from harness.stores.sql.secrets import SqlSecrets
from harness.stores.sql.session import Session, session
from harness.stores.sql.transaction import SqlTransaction


class SqlRecords:
    """Serves any number of threads and processes; call `migrate` before first use."""

    def __init__(self, url: str, entropy: Entropy, limits: Limits | None = None) -> None:
        """Connects on first use.

        Args:
            url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/DATABASE`.
            entropy: makes the ids of events and leases.
            limits: of connections and waiting.

        Raises:
            InvalidInput: the URL names neither database.
        """
        self._engine = open_engine(url, limits or Limits())
        self._entropy = entropy
        self._name = self._engine.url.render_as_string(hide_password=True)

    def migrate(self) -> None:
        """Bring the database to this version's tables; quick when it is there already.

        Raises:
            Conflict: the data is of a newer version than this code.
            Unavailable: the store does not answer, or another process migrates for too long.
            StorageFull: no room is left; nothing was changed.
        """
        migrate(self._engine, self._name)

    @contextmanager
    def transaction(self, scope: Scope) -> Iterator[SqlTransaction]:
        """Commits at the end of the block, rolls back when it raises."""
        with self._session() as work:
            yield SqlTransaction(Scoped(work, scope), self._entropy)

    def active_runs(self) -> Sequence[Run]:
        """Runs of all tenants that have not ended, oldest first."""
        with self._session() as work:
            return active_runs(work)

    def capacities(self, name: QuotaName) -> Mapping[TenantId, int]:
        """What was set for each tenant."""
        with self._session() as work:
            return capacities(work, name)

    def lease(self, lease_id: LeaseId) -> tuple[Scope, Lease] | None:
        """A lease of any tenant, ended or not."""
        with self._session() as work:
            return lease_anywhere(work, lease_id)

    def expired_leases(self) -> Sequence[tuple[Scope, Lease]]:
        """Leases of all tenants whose time is over and that were not ended."""
        with self._session() as work:
            return expired_leases(work)

    def outbox(self, limit: int) -> Sequence[Event]:
        """Events of all tenants that were not published, in order per run."""
        with self._session() as work:
            return unpublished(work, limit)

    def published(self, event_ids: Sequence[EventId]) -> None:
        """Take these out of the outbox."""
        with self._session() as work:
            mark_published(work, event_ids)

    def principal(self, key_hash: str) -> Principal | None:
        """Whose API key has this keyed hash."""
        with self._session() as work:
            return principal_of(work, key_hash)

    def add_key(self, key_hash: str, principal: Principal) -> None:
        """Store an API key; replaces the principal of the same hash."""
        with self._session() as work:
            put_key(work, key_hash, principal)

    def secrets(self, secret: bytes) -> SqlSecrets:
        """The secrets in the same database, under a key derived from the installation's secret."""
        return SqlSecrets(self._session, Seal(secret, self._entropy))

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with session(self._engine, self._name) as work:
            yield work
