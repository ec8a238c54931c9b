"""A stranger's database is read in chunks, and never changed."""

from datetime import date
from decimal import Decimal
from itertools import chain

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from harness.errors import InvalidInput, Unavailable
from harness.stores.sql.query import SqlQuery


@pytest.fixture
def query(records_url: str) -> SqlQuery:
    """A database with a table of some rows, and a view that takes its time."""
    parsed = make_url(records_url)
    is_postgres = parsed.drivername.startswith("postgres")
    url = parsed.set(drivername="postgresql+psycopg2") if is_postgres else parsed
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text('CREATE TABLE "Odd sales" (id integer, price numeric(9, 2))'))
        rows = [{"id": number, "price": number} for number in range(25)]
        connection.execute(text('INSERT INTO "Odd sales" VALUES (:id, :price)'), rows)
    engine.dispose()
    return SqlQuery(records_url, statement_seconds=0.5)


def test_rows_come_in_chunks(query: SqlQuery) -> None:
    statement = query.whole_table("Odd sales")
    chunks = list(query.rows(statement, 10))
    assert [len(chunk.rows) for chunk in chunks] == [10, 10, 5]
    assert {tuple(chunk.columns) for chunk in chunks} == {("id", "price")}
    rows = [tuple(row) for row in chain.from_iterable(chunk.rows for chunk in chunks)]
    assert sorted(rows)[24] == (24, Decimal(24))


def test_an_answer_without_rows_has_its_columns(query: SqlQuery) -> None:
    [chunk] = query.rows(f"{query.whole_table('Odd sales')} WHERE id > 99", 10)
    assert (list(chunk.columns), list(chunk.rows)) == (["id", "price"], [])


def test_colons_are_no_parameters(query: SqlQuery) -> None:
    [chunk] = query.rows("SELECT 'a:b' AS a, CAST('2026-01-02' AS varchar) AS b", 10)
    assert tuple(chunk.rows[0]) == ("a:b", str(date(2026, 1, 2)))


@pytest.mark.parametrize(
    "statement",
    [
        'DELETE FROM "Odd sales"',
        'UPDATE "Odd sales" SET id = 0 RETURNING id',
        'DROP TABLE "Odd sales"',
        "CREATE TABLE more (id integer)",
        'COMMIT; DELETE FROM "Odd sales"',
        'SELECT 1; COMMIT; DELETE FROM "Odd sales"',
        "SELECT nothing FROM nowhere",
    ],
)
def test_nothing_is_changed(query: SqlQuery, statement: str) -> None:
    with pytest.raises(InvalidInput, match=r"refused the statement|gives no rows|semicolon"):
        list(query.rows(statement, 10))
    [chunk] = query.rows(f"SELECT count(*) AS n FROM ({query.whole_table('Odd sales')}) x", 10)
    assert tuple(chunk.rows[0]) == (25,)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/x.db", "postgresql://u:p@127.0.0.1:1/db"])
def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        list(SqlQuery(url).rows("SELECT 1", 10))


@pytest.mark.postgres
def test_a_statement_has_its_time(postgres: str) -> None:
    with pytest.raises(InvalidInput, match="refused the statement"):
        list(SqlQuery(postgres, statement_seconds=0.2).rows("SELECT pg_sleep(20)", 10))
