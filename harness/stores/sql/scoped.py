"""Statements that carry tenant and project by construction."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy import (
    ColumnElement,
    Delete,
    Select,
    Table,
    Update,
    and_,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from harness.domain.scope import Scope
from harness.stores.sql.codec import Values
from harness.stores.sql.session import Record, Session

T = TypeVar("T")

# A statement stays far below both databases' limits on parameters, and is compiled once.
_CHUNK = 500


class Scoped:
    """A session that can only see and write the rows of one scope."""

    def __init__(self, session: Session, scope: Scope) -> None:
        """The scope goes into every statement."""
        self.session = session
        self.scope = scope
        self._owner: Values = {"tenant": scope.tenant, "project": scope.project}

    def now(self) -> datetime:
        """The database's clock, UTC."""
        return self.session.now()

    def select(self, table: Table, *columns: ColumnElement[object]) -> Select[tuple[object, ...]]:
        """A query of the scope's rows; of whole rows when no columns are named."""
        return select(*(columns or table.c)).where(self._mine(table))

    def update(self, table: Table) -> Update:
        """An update of the scope's rows, still without values."""
        return update(table).where(self._mine(table))

    def delete(self, table: Table) -> Delete:
        """A deletion of the scope's rows; say which."""
        return delete(table).where(self._mine(table))

    def rows(self, query: Select[tuple[object, ...]]) -> Sequence[Record]:
        """What the query finds."""
        return self.session.rows(query)

    def locked(self, query: Select[tuple[object, ...]]) -> Sequence[Record]:
        """What the query finds; nobody else changes it before this transaction ends."""
        return self.session.rows(query.with_for_update(), lock=True)

    def change(self, statement: Update | Delete) -> int:
        """Execute an update or a deletion; gives how many rows it touched."""
        return self.session.change(statement)

    def change_many(self, statement: Update, rows: Sequence[Values]) -> None:
        """Execute an update once per row of parameters."""
        self.session.change_many(statement, rows)

    def insert(self, table: Table, rows: Sequence[Values]) -> None:
        """Insert new rows of the scope."""
        self.session.change_many(insert(table), self._owned(rows))

    def keep(self, table: Table, rows: Sequence[Values], key: Sequence[str]) -> None:
        """Insert rows of the scope; one whose key is there already stays as it is."""
        statement = self._insert(table).on_conflict_do_nothing(index_elements=self._key(key))
        self.session.change_many(statement, self._owned(rows))

    def replace(self, table: Table, rows: Sequence[Values], key: Sequence[str]) -> None:
        """Insert rows of the scope, or replace those with the same key."""
        if not rows:
            return
        found = self._insert(table)
        statement = found.on_conflict_do_update(
            index_elements=self._key(key),
            set_={name: found.excluded[name] for name in rows[0] if name not in key},
        )
        self.session.change_many(statement, self._owned(rows))

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        if self.session.dialect == "sqlite":
            return sqlite.insert(table)
        return postgresql.insert(table)

    def _mine(self, table: Table) -> ColumnElement[bool]:
        return and_(table.c.tenant == self.scope.tenant, table.c.project == self.scope.project)

    def _key(self, names: Sequence[str]) -> list[str]:
        return [*self._owner, *names]

    def _owned(self, rows: Sequence[Values]) -> list[Values]:
        return [{**self._owner, **row} for row in rows]


def chunks(values: Collection[T]) -> Iterator[list[T]]:
    """The values in pieces that one statement can take."""
    rest = iter(values)
    while piece := list(islice(rest, _CHUNK)):
        yield piece
