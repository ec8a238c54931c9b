"""`sql.read` names databases, never their addresses."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from actors.broker.tools.bounds import ToolBounds
from actors.broker.tools.sql_read import SIDE_BY_SIDE, sql_read
from harness.ports.clock import SystemClock
from tests.unit.broker.tools.desk import CANARY, desk, text_of


@pytest.fixture
def url(tmp_path: Path) -> str:
    path = tmp_path / f"{CANARY}.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE sales (id integer, name text)")
        rows = [(number, f"ä{number}") for number in range(2000)]
        connection.executemany("INSERT INTO sales VALUES (?, ?)", [*rows, (9999, CANARY)])
    connection.close()
    return f"sqlite:///{path}"


async def test_rows_come_as_untrusted_json(url: str) -> None:
    async with desk(sql_read({"shop": url}, SystemClock())) as here:
        answer = await here.call(
            "sql.read", database="shop", statement="SELECT * FROM sales LIMIT 2"
        )
        async with here.client() as client:
            (tool,) = (await client.list_tools()).tools
    assert "2 rows of 'shop'." in text_of(answer)
    assert text_of(answer).splitlines()[1:] == [
        '{"id": 0, "name": "ä0"}',
        '{"id": 1, "name": "ä1"}',
    ]
    assert "Databases: shop." in (tool.description or "")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"database": "other", "statement": "SELECT 1"}, "there are: shop."),
        ({"database": "shop", "statement": "DELETE FROM sales"}, "refused the statement"),
        ({"database": "shop", "statement": "SELECT 1; SELECT 2"}, "refused the statement"),
        ({"database": "shop", "statement": "SELECT 1", "rows": 10**6}, "rows: "),
        ({"database": "shop", "statement": "x" * 30_000}, "statement: "),
        ({"database": "shop", "statement": ["SELECT 1"]}, "statement: "),
        ({"database": f"sqlite:///{CANARY}", "statement": "SELECT 1"}, "There is no database"),
    ],
)
async def test_what_cannot_be_read_is_told(args: dict[str, object], words: str, url: str) -> None:
    async with desk(sql_read({"shop": url}, SystemClock())) as here:
        answer = await here.call("sql.read", **args)
    assert answer.is_error
    assert words in text_of(answer)
    assert CANARY not in text_of(answer) + repr(here.journal.lines)


async def test_many_rows_are_cut_and_a_canary_is_hidden(url: str) -> None:
    async with desk(sql_read({"shop": url}, SystemClock())) as here:
        many = await here.call("sql.read", database="shop", statement="SELECT * FROM sales")
        one = await here.call(
            "sql.read", database="shop", statement="SELECT name FROM sales WHERE id = 9999"
        )
    assert "100 rows of 'shop', and more that are left out." in text_of(many)
    assert text_of(one).splitlines()[1:] == ['{"name": "\u2039secret TOKEN\u203a"}']
    assert CANARY not in repr(here.journal.lines)


SLOW = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"


async def test_statements_that_were_given_up_hold_nobody_else_up(url: str) -> None:
    tool = sql_read({"shop": url}, SystemClock(), seconds=0.6)
    async with desk(tool, bounds=ToolBounds(call_seconds=0.05)) as here:
        calls = [here.call("sql.read", database="shop", statement=SLOW) for _ in range(8)]
        answers = await asyncio.gather(*calls)
        busy = [each for each in threading.enumerate() if each.name.startswith("sql")]
    assert all(answer.is_error for answer in answers)
    assert len(busy) <= SIDE_BY_SIDE
