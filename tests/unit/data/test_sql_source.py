"""Rows of a database as a source."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError, InvalidInput, Unavailable
from harness.ports.query import Query
from harness.stores.sql.query import SqlQuery
from tests.unit.data.tables import broken, validated


@pytest.fixture
def databases(tmp_path: Path) -> Callable[[str], Query]:
    """One database behind the secret `shop`."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (id integer, price real, note text)")
        rows = [(n, n / 2, None if n < 60_000 else "x") for n in range(100_000)]
        connection.executemany("insert into orders values (?, ?, ?)", [*rows, (7, -1.0, "x:y")])
        connection.execute("create table mixed (n)")
        connection.executemany("insert into mixed values (?)", [(1,), ("a",)])
        connection.execute('create table "odd name" (n)')
    connection.close()
    return lambda secret: SqlQuery(f"sqlite:///{tmp_path / secret}.db")


def test_a_table_is_validated(tmp_path: Path, databases: Callable[[str], Query]) -> None:
    columns = {
        "id": {"type": "integer", "unique": True},
        "price": {"range": {"min": 0}},
        "note": {"type": "string", "nullable": True},
    }
    document = {"source": {"sql": "shop", "table": "orders"}, "key": ["id"], "columns": columns}
    report = validated(tmp_path, document, databases=databases)
    assert report.rows == 100_001
    assert broken(report) == {"columns.id.unique": ["7", "7"], "columns.price.range": ["7"]}


def test_a_query_is_validated(tmp_path: Path, databases: Callable[[str], Query]) -> None:
    query = "select note as n from orders where note = 'x:y'"
    document = {"source": {"sql": "shop", "query": query}, "columns": {"n": {"in": ["x"]}}}
    report = validated(tmp_path, document, databases=databases)
    assert report.text == "1 row of shop whose n is not one of x: row 1 (n x:y)"


def test_an_empty_answer_has_its_columns(tmp_path: Path, databases: Callable[[str], Query]) -> None:
    document = {"source": {"sql": "shop", "table": "odd name"}, "columns": {"n": {}}}
    assert validated(tmp_path, document, databases=databases).met


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"query": "delete from orders"}, "refused the statement|gives no rows"),
        ({"query": "update orders set id = 1 returning id"}, "refused the statement"),
        ({"query": "select nope from orders"}, "refused the statement"),
        ({"query": "select 1; select 2"}, "semicolon inside"),
        ({"table": "nope"}, "refused the statement"),
        ({"table": 'orders"; drop table orders; --'}, "semicolon inside"),
        ({"table": "mixed"}, "n of mixed holds values of several types"),
    ],
)
def test_what_is_no_plain_question_is_refused(
    tmp_path: Path, databases: Callable[[str], Query], source: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        validated(tmp_path, {"source": {"sql": "shop", **source}}, databases=databases)
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        assert connection.execute("select count(*) from orders").fetchone() == (100_001,)
    connection.close()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:////nowhere/at-all/secret.db", Unavailable),
        ("nothing://user:secret@host/db", InvalidInput),
        ("secret", InvalidInput),
        ("postgresql://user:secret@127.0.0.1:1/db", Unavailable),
    ],
)
def test_no_error_holds_the_address(tmp_path: Path, url: str, kind: type[HarnessError]) -> None:
    with pytest.raises(kind) as refused:
        validated(
            tmp_path,
            {"source": {"sql": "shop", "query": "select 1"}},
            databases=lambda _: SqlQuery(url),
        )
    assert "secret" not in str(refused.value).replace("the secret holds", "")


def test_without_databases_sql_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="none can be asked here"):
        validated(tmp_path, {"source": {"sql": "shop", "table": "orders"}})
