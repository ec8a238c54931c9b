"""One database transaction of the record store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, Executable, Row, text

from harness.stores.sql.codec import Values
from harness.stores.sql.faults import translated

Record: TypeAlias = Row[Any]  # its columns are attributes, typed by no checker

_CLOCK = {
    # Milliseconds are as fine as SQLite's clock gets.
    "sqlite": text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"),
    "postgresql": text("SELECT CAST(clock_timestamp() AT TIME ZONE 'UTC' AS text)"),
}


class Session:
    """A transaction that waits for nobody until it changes or locks something.

    On SQLite it becomes the only writer at that moment. What it read before may be old by then,
    as with READ COMMITTED on PostgreSQL; so changes compare, or follow a locked read.
    """

    def __init__(self, connection: Connection, store: str) -> None:
        """`store` names the database in errors."""
        self._connection = connection
        self._store = store
        self._begun = self._writes = connection.dialect.name != "sqlite"

    @property
    def dialect(self) -> str:
        """Either sqlite or postgresql."""
        return self._connection.dialect.name

    def now(self) -> datetime:
        """The database's clock, UTC."""
        with translated(self._store):
            told = self._connection.execute(_CLOCK[self.dialect]).scalar_one()
        return datetime.fromisoformat(told).replace(tzinfo=UTC)

    def rows(self, query: Executable, *, lock: bool = False) -> Sequence[Record]:
        """What a query finds; with `lock`, as the only writer of an SQLite database."""
        with translated(self._store):
            if lock:
                self._begin_writing()
            elif not self._begun:
                self._connection.exec_driver_sql("BEGIN")
                self._begun = True
            return self._connection.execute(query).all()

    def change(self, statement: Executable) -> int:
        """Execute one statement that writes; gives how many rows it touched."""
        with translated(self._store):
            self._begin_writing()
            return self._connection.execute(statement).rowcount

    def change_many(self, statement: Executable, rows: Sequence[Values]) -> None:
        """Execute a statement that writes once per row."""
        if not rows:
            return
        with translated(self._store):
            self._begin_writing()
            self._connection.execute(statement, rows)

    def _begin_writing(self) -> None:
        if self._writes:
            return
        if self._begun:
            self._connection.exec_driver_sql("ROLLBACK")
            self._begun = False
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        self._begun = self._writes = True


@contextmanager
def session(engine: Engine, store: str) -> Iterator[Session]:
    """Commits at the end of the block, rolls back when it raises."""
    with translated(store):
        connection = engine.connect()
    with connection:
        yield Session(connection, store)
        with translated(store):
            connection.commit()
