"""A PostgreSQL database that can only be read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from harness.errors import InvalidInput, Unavailable
from harness.ports.table_reader import TableText
from harness.stores.sql.one_select import OneSelect

CONNECT_SECONDS = 5
LOCK_SECONDS = 2.0
_FETCHED = 32
_MOST_MESSAGE = 300
_HARMLESS = (
    *("random", "gen_random_uuid", "clock_timestamp", "timeofday", "random_normal"),
    *("uuidv4", "uuidv7"),
)
_RUNS_TEXT = (
    *("xpath_table", "crosstab", "crosstab2", "crosstab3", "crosstab4", "crosstabn"),
    *("connectby", "ts_rewrite", "query_to_xml", "query_to_xml_and_xmlschema"),
    *("query_to_xmlschema", "normal_rand"),
)
"""Functions that carry out a statement which they are given as a text."""
_KEEPS_PASSWORDS = (
    *("pg_authid", "pg_shadow", "pg_user_mapping", "pg_user_mappings", "pg_subscription"),
    *("pg_hba_file_rules", "pg_file_settings"),
)

_DOUBTFUL = text(
    """
    SELECT proname FROM pg_catalog.pg_proc p
    WHERE (proname = ANY(:called) AND (provolatile = 'v' OR prokind = 'p'))
       OR (proname = ANY(:dotted) AND provolatile = 'v' AND pronargs = 1)
    ORDER BY proname
    """
)

_IS_SUPERUSER = text("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user")


@dataclass(frozen=True, slots=True)
class PostgresReader:
    """Reads in a transaction that can do nothing else; satisfies `TableReader`.

    Functions that PostgreSQL itself calls volatile are refused, since these reach files, sessions
    and other servers from within a SELECT. What a function does that its owner calls stable is the
    owner's business; the role of the address should be one that may only read. A superuser becomes
    `pg_read_all_data`, and with a server that has no such role is refused.
    """

    url: URL = field(repr=False)
    seconds: float = 10.0

    def read(self, statement: str, most_rows: int, most_bytes: int) -> TableText:
        """See the port."""
        one = OneSelect.parse(statement)
        with self._connection() as connection, _told():
            _refuse_doubtful(connection, one)
            answer = connection.execute(
                text(_bounded(one)),
                {"most": most_bytes, "limit": most_rows + 1},
                execution_options={"stream_results": True, "max_row_buffer": _FETCHED},
            )
            return _collected(answer, most_rows, most_bytes)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        engine = create_engine(
            self.url.set(drivername="postgresql+psycopg2"),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
        try:
            with _reached():
                connection = engine.connect()
            with connection:
                with _told():
                    _prepare(connection, self.seconds)
                yield connection
                connection.rollback()
        finally:
            engine.dispose()


def _prepare(connection: Connection, seconds: float) -> None:
    connection.execute(text("SET TRANSACTION READ ONLY"))
    connection.execute(text(f"SET LOCAL statement_timeout = {round(seconds * 1000)}"))
    connection.execute(text(f"SET LOCAL lock_timeout = {round(LOCK_SECONDS * 1000)}"))
    connection.execute(text("SET LOCAL standard_conforming_strings = on"))
    # Before the first snapshot a transaction could be made to write again; this is after it.
    if connection.execute(_IS_SUPERUSER).scalar():
        connection.execute(text("SET LOCAL ROLE pg_read_all_data"))


def _refuse_doubtful(connection: Connection, one: OneSelect) -> None:
    found = connection.execute(_DOUBTFUL, {"called": list(one.called), "dotted": list(one.dotted)})
    names = {str(row[0]) for row in found} - set(_HARMLESS)
    names |= (one.called | one.dotted) & set(_RUNS_TEXT) | one.names & set(_KEEPS_PASSWORDS)
    if names:
        raise InvalidInput(
            f"The statement names {', '.join(sorted(names)[:5])}, which is not for reading alone."
        )


def _bounded(one: OneSelect) -> str:
    """Rows become JSON where they are, so that no row is larger than asked for when it comes.

    Between parentheses nothing but a query is grammar; colons are no parameters.
    """
    inner = one.text.replace(":", "\\:")
    return f"""
        SELECT CASE WHEN octet_length(j) <= :most THEN j END
        FROM (SELECT row_to_json(q)\\:\\:text AS j FROM (
        {inner}
        ) AS q) AS w LIMIT :limit
    """  # noqa: S608  # the statement is the stranger's, which is what all of this is about


def _collected(answer: Any, most_rows: int, most_bytes: int) -> TableText:  # Any: rows of text
    rows: list[str] = []
    for (row,) in answer:
        most_bytes -= len(row.encode()) if row is not None else most_bytes + 1
        if len(rows) >= most_rows or most_bytes < 0:
            return TableText(rows, is_cut=True)
        rows.append(row)
    return TableText(rows)


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except OperationalError as problem:
        kind = type(problem.orig).__name__
        raise Unavailable(f"The database does not answer ({kind}).") from None


@contextmanager
def _told() -> Iterator[None]:
    """The first line of what the database says; it names no address."""
    try:
        yield
    except DBAPIError as problem:
        said = getattr(getattr(problem.orig, "diag", None), "message_primary", None)
        words = said or type(problem.orig).__name__
        raise InvalidInput(
            f"The database refused the statement: {words[:_MOST_MESSAGE]}."
        ) from None
