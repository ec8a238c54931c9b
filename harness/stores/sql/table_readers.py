"""The TableReader for a database's address."""

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from harness.errors import InvalidInput
from harness.ports.clock import Clock
from harness.ports.table_reader import TableReader
from harness.stores.sql.postgres_reader import PostgresReader
from harness.stores.sql.sqlite_reader import SqliteReader

_POSTGRES = {"postgres", "postgresql", "postgresql+psycopg2"}


def open_reader(url: str, clock: Clock, seconds: float = 10.0) -> TableReader:
    """Reads `sqlite:///FILE` or `postgresql://…`; nothing of the address is part of a message.

    Raises:
        InvalidInput: it is neither; elsewhere nobody enforces that a stranger only reads.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput("The address of the database is no SQLAlchemy URL.") from None
    if parsed.drivername in _POSTGRES:
        return PostgresReader(parsed, seconds)
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"} and parsed.database:
        return SqliteReader(Path(parsed.database), clock, seconds)
    raise InvalidInput(
        "Only sqlite:///FILE and postgresql://… can be read by agents, where reading alone is "
        f"enforced; this is {parsed.drivername}."
    )
