"""A stranger reads a database, and can do nothing else there, whatever he writes."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from harness.errors import InvalidInput, Unavailable
from harness.ports.clock import SystemClock
from harness.ports.table_reader import TableReader
from harness.stores.sql.table_readers import open_reader

QUESTIONS = [
    "WITH a AS (SELECT 1 AS n) SELECT n, ':b%s' AS c FROM a",
    "VALUES (1), (2)",
    "SELECT count(*) FROM sales WHERE name LIKE '%1%'",
    "SELECT CAST(id AS text) FROM sales WHERE id = 1",
    "SELECT upper(name) FROM sales UNION SELECT 'a;b--c'",
]
CHANGES = [
    "DELETE FROM sales",
    "UPDATE sales SET id = 0 RETURNING id",
    "INSERT INTO sales VALUES (1, 'x') RETURNING id",
    "WITH gone AS (DELETE FROM sales RETURNING id) SELECT * FROM gone",
    "DROP TABLE sales",
    "CREATE TABLE more (id integer)",
    "CREATE TEMP TABLE more (id integer)",
    "CREATE TABLE more AS SELECT * FROM sales",
    "SELECT * INTO more FROM sales",
    "SELECT 1; DELETE FROM sales",
    "COMMIT; DELETE FROM sales",
    "SELECT 1) AS q; DELETE FROM sales; SELECT * FROM (SELECT 1",
    "BEGIN",
    "VACUUM",
    "nonsense",
    "",
    "SELECT '\0'; DELETE FROM sales",
]
POSTGRES = [
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_catalog.\"pg_read_file\"('/etc/passwd')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT * FROM ROWS FROM (pg_ls_dir('/'))",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/x')",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT set_config('role', 'none', true)",
    "SET TRANSACTION READ WRITE",
    "SET ROLE postgres",
    "RESET ROLE",
    "COPY sales TO '/tmp/x'",
    "COPY sales TO PROGRAM 'id'",
    "COPY (SELECT 1) TO STDOUT",
    "DO $$ BEGIN DELETE FROM sales; END $$",
    "DO 'BEGIN DELETE FROM sales; END'",
    "CALL nothing()",
    "PREPARE p AS DELETE FROM sales",
    "LISTEN x",
    "NOTIFY x",
    "LOCK TABLE sales",
    "LOAD 'x'",
    "DISCARD ALL",
    "EXPLAIN ANALYZE DELETE FROM sales",
    "DECLARE c CURSOR FOR SELECT 1",
    "SELECT pg_notify('x', 'y')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT pg_reload_conf()",
    "SELECT pg_sleep(60)",
    "SELECT 1 FROM sales WHERE 1=1and pg_sleep(60) IS NULL",
    "SELECT query_to_xml('DELETE FROM sales', true, true, '')",
    "SELECT query_to_xml('SELECT pg_read_file(''/etc/passwd'')', true, true, '')",
    "SELECT * FROM ts_stat('SELECT 1')",
    "SELECT nextval('numbers')",
    "SELECT setval('numbers', 9)",
    "SELECT dirty(1)",
    "SELECT s.dirty_row FROM sales s",
    "SELECT (s).dirty_row FROM sales s",
    "SELECT dirty_row(s) FROM sales s",
    "SELECT E'\\'; DELETE FROM sales; --'",
    'SELECT U&"pg\\005fsleep"(60)',
    "SELECT * FROM sales FOR UPDATE",
    "SELECT rolpassword FROM pg_authid",
    'SELECT * FROM "pg_shadow"',
    "TABLE pg_user_mappings",
]
SQLITE = [
    "ATTACH DATABASE '{folder}/new.db' AS new",
    "VACUUM INTO '{folder}/new.db'",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA temp_store_directory = '{folder}'",
    "SELECT * FROM pragma_database_list",
    "SELECT load_extension('{folder}/x.so')",
    "SELECT LOAD_EXTENSION('{folder}/x.so', 'y')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT writefile('{folder}/new.db', 'x')",
    "SELECT zeroblob(1000000000)",
    "SELECT hex(randomblob(900000))",
    "SELECT replace(hex(zeroblob(100000)), '0', '0000000000')",
    "CREATE VIRTUAL TABLE more USING fts5(x)",
    "DETACH main",
    "REINDEX",
    "ANALYZE",
    "SAVEPOINT x",
]


def run(url: str, *statements: str) -> None:
    parsed = make_url(url)
    if parsed.drivername.startswith("postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    engine = create_engine(parsed, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def reader(records_url: str) -> TableReader:
    """A database with a table of some rows."""
    run(
        records_url,
        "CREATE TABLE sales (id integer, name text)",
        *(f"INSERT INTO sales VALUES ({number}, 'ä{number}')" for number in range(25)),
    )
    return open_reader(records_url, SystemClock(), 0.7)


def answered(reader: TableReader, statements: Sequence[str]) -> list[str]:
    """Those that are not refused."""
    found = []
    for statement in statements:
        try:
            reader.read(statement, 10, 1000)
        except InvalidInput:
            continue
        found.append(statement)
    return found


def count(reader: TableReader) -> int:
    (row,) = reader.read("SELECT count(*) AS n FROM sales", 10, 1000).rows
    found: int = json.loads(row)["n"]
    return found


def test_rows_are_json_objects_in_the_order_of_their_columns(reader: TableReader) -> None:
    found = reader.read("SELECT id, name, id AS id, NULL AS x FROM sales ORDER BY id", 2, 1000)
    pairs = [json.loads(row, object_pairs_hook=list) for row in found.rows]
    assert pairs[1] == [("id", 1), ("name", "ä1"), ("id", 1), ("x", None)]
    assert (len(pairs), found.is_cut) == (2, True)


def test_questions_are_answered_within_bytes(reader: TableReader) -> None:
    assert all(reader.read(statement, 100, 10_000).rows for statement in QUESTIONS)
    assert reader.read("SELECT * FROM sales WHERE id > 99", 10, 1000).rows == []
    found = reader.read("SELECT * FROM sales", 100, 100)
    assert 0 < sum(map(len, found.rows)) <= 100
    assert found.is_cut


def test_nothing_is_changed(reader: TableReader) -> None:
    assert answered(reader, CHANGES) == []
    assert count(reader) == 25


@pytest.mark.parametrize("statement", SQLITE)
def test_sqlite_reads_and_nothing_else(tmp_path: Path, statement: str) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    run(url, "CREATE TABLE sales (id integer, name text)")
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(InvalidInput):
        open_reader(url, SystemClock(), 2).read(statement.format(folder=tmp_path), 10, 1000)
    assert [each.name for each in tmp_path.iterdir()] == ["a.db"]
    assert (tmp_path / "a.db").read_bytes() == before


def test_sqlite_statements_have_their_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    run(url, "CREATE TABLE sales (id integer)")
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"
    with pytest.raises(InvalidInput, match="too long"):
        open_reader(url, SystemClock(), 0.2).read(endless, 10, 1000)


def test_a_file_that_is_written_meanwhile_can_be_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    run(url, "CREATE TABLE sales (id integer)")
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("INSERT INTO sales VALUES (1)")
        connection.commit()
        assert open_reader(url, SystemClock()).read("SELECT * FROM sales", 5, 100).rows
    engine.dispose()


@pytest.mark.postgres
def test_postgresql_reads_and_nothing_else(postgres: str) -> None:
    """In one database, since a statement that is refused leaves nothing."""
    run(
        postgres,
        "CREATE TABLE sales (id integer, name text)",
        "INSERT INTO sales VALUES (1, 'a')",
        "CREATE SEQUENCE numbers",
        "CREATE FUNCTION dirty(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION dirty_row(a sales) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    )
    reader = open_reader(postgres, SystemClock(), 2)
    found = answered(reader, POSTGRES)
    left = reader.read("SELECT id, name FROM sales", 10, 1000).rows
    run(postgres, "DROP TABLE sales CASCADE", "DROP SEQUENCE numbers", "DROP FUNCTION dirty")
    assert found == []
    assert left == ['{"id":1,"name":"a"}']


@pytest.mark.postgres
def test_a_superuser_reads_with_the_rights_of_a_reader(postgres: str) -> None:
    reader = open_reader(postgres, SystemClock())
    (row,) = reader.read("SELECT current_user AS who", 10, 1000).rows
    assert json.loads(row) == {"who": "pg_read_all_data"}


@pytest.mark.postgres
def test_postgresql_statements_have_their_time_and_rows_their_size(postgres: str) -> None:
    reader = open_reader(postgres, SystemClock(), 0.3)
    slow = "SELECT count(*) FROM generate_series(1, 1000000000) a"
    with pytest.raises(InvalidInput, match="statement timeout"):
        reader.read(slow, 10, 1000)
    large = reader.read("SELECT repeat('x', 100000) AS x", 10, 1000)
    assert (large.rows, large.is_cut) == ([], True)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/x.db", "postgresql://u:pw@127.0.0.1:1/db"])
def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable) as told:
        open_reader(url, SystemClock()).read("SELECT 1", 10, 1000)
    assert "pw" not in str(told.value)


@pytest.mark.parametrize("url", ["mysql://u:pw@h/d", "sqlite://", "nonsense pw", ""])
def test_where_reading_cannot_be_enforced_nothing_is_read(url: str) -> None:
    with pytest.raises(InvalidInput) as told:
        open_reader(url, SystemClock())
    assert "pw" not in str(told.value)
