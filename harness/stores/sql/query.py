"""A stranger's database read through SQLAlchemy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import NullPool

from harness.errors import InvalidInput, Unavailable
from harness.ports.query import RowChunk

_READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "START TRANSACTION READ ONLY",
    "mariadb": "START TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
"""Elsewhere nothing is committed, and the address should be of a user who may only read."""


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """One database by its SQLAlchemy URL; nothing of the URL is ever part of a message."""

    url: str
    statement_seconds: float = 300.0
    """For one statement (PostgreSQL only)."""

    def rows(self, statement: str, chunk_rows: int) -> Iterator[RowChunk]:
        """See the port."""
        with self._connection() as connection, _told():
            stream = {"stream_results": True}
            answer = connection.execute(text(_single(statement)), execution_options=stream)
            if not answer.returns_rows:
                raise InvalidInput("the statement gives no rows: write a SELECT")
            columns = tuple(answer.keys())
            chunks = answer.partitions(chunk_rows)
            yield RowChunk(columns, next(chunks, ()))
            for chunk in chunks:
                yield RowChunk(columns, chunk)

    def whole_table(self, table: str) -> str:
        """See the port."""
        with self._connection() as connection:
            quote = connection.dialect.identifier_preparer.quote_identifier
            return f"SELECT * FROM {'.'.join(quote(part) for part in table.split('.'))}"  # noqa: S608

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            engine = create_engine(_parsed(self.url), poolclass=NullPool, hide_parameters=True)
        except (ArgumentError, NoSuchModuleError, ImportError) as problem:
            raise InvalidInput(
                f"the secret holds no usable SQLAlchemy URL ({type(problem).__name__}): write "
                "dialect://user:password@host/database, and install the dialect's driver"
            ) from None
        try:
            with _told():
                connection = engine.connect()
            with connection:
                self._make_read_only(connection)
                yield connection
        finally:
            engine.dispose()

    def _make_read_only(self, connection: Connection) -> None:
        dialect = connection.dialect.name
        with _told():
            if dialect in _READ_ONLY:
                connection.execute(text(_READ_ONLY[dialect]))
            if dialect == "postgresql":
                limit = int(self.statement_seconds * 1000)
                connection.execute(text(f"SET LOCAL statement_timeout = {limit}"))


def _parsed(url: str) -> URL:
    parsed = make_url(url)
    # The driver that is installed with the platform, where the address names none.
    plain = parsed.drivername in ("postgresql", "postgres")
    return parsed.set(drivername="postgresql+psycopg2") if plain else parsed


def _single(statement: str) -> str:
    """One statement, its colons kept: it has no parameters.

    Raises:
        InvalidInput: it may be several; one behind a COMMIT could change what it wants.
    """
    single = statement.strip().rstrip(";")
    if ";" in single:
        raise InvalidInput("the statement has a semicolon inside: write one SELECT, without any")
    return single.replace(":", "\\:")


@contextmanager
def _told() -> Iterator[None]:
    """Says what went wrong in words that hold no row and no address."""
    try:
        yield
    except OperationalError as problem:
        kind = type(problem.orig).__name__
        refused = problem.statement is not None
        if refused:
            raise InvalidInput(f"the database refused the statement ({kind})") from None
        raise Unavailable(f"the database does not answer ({kind})") from None
    except DBAPIError as problem:
        kind = type(problem.orig).__name__
        raise InvalidInput(f"the database refused the statement ({kind})") from None
