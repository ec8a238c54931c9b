"""Model servers of a tenant."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from harness.domain.ids import TenantId
from harness.domain.model_server import ModelServer
from harness.stores.sql.codec import PRICES, Values, micros, time_of
from harness.stores.sql.session import Record, Session
from harness.stores.sql.tables import MODEL_SERVERS


@dataclass(frozen=True, slots=True)
class SqlModelServers:
    """The model servers of one tenant."""

    session: Session
    tenant: TenantId

    def list(self) -> Sequence[ModelServer]:
        """By name."""
        query = select(MODEL_SERVERS).where(MODEL_SERVERS.c.tenant == self.tenant)
        return [_server(row) for row in self.session.rows(query.order_by(MODEL_SERVERS.c.name))]

    def put(self, server: ModelServer) -> None:
        """Insert, or replace the one of the same name."""
        row: Values = {
            "tenant": self.tenant,
            "name": server.name,
            "base_url": server.base_url,
            "key_secret": server.key_secret,
            "prices": PRICES.text(server.prices),
            "updated_us": micros(server.at or self.session.now()),
            "updated_by": server.by,
        }
        insert = sqlite.insert if self.session.dialect == "sqlite" else postgresql.insert
        found = insert(MODEL_SERVERS)
        statement = found.on_conflict_do_update(
            index_elements=["tenant", "name"],
            set_={name: found.excluded[name] for name in row if name not in {"tenant", "name"}},
        )
        self.session.change_many(statement, [row])

    def remove(self, name: str) -> bool:
        """Whether there was one."""
        mine = MODEL_SERVERS.c.tenant == self.tenant
        return (
            self.session.change(delete(MODEL_SERVERS).where(mine, MODEL_SERVERS.c.name == name)) > 0
        )


def _server(row: Record) -> ModelServer:
    return ModelServer(
        name=row.name,
        base_url=row.base_url,
        key_secret=row.key_secret,
        prices=PRICES.value(row.prices),
        by=row.updated_by,
        at=time_of(row.updated_us),
    )
