"""A stranger's statement is one SELECT, or refused."""

import pytest

from harness.errors import InvalidInput
from harness.stores.sql.one_select import OneSelect


@pytest.mark.parametrize(
    ("statement", "called", "dotted"),
    [
        ("SELECT 1", set(), set()),
        ("(SELECT now())", {"now"}, set()),
        ("select a.b, Upper(c) from a where d in (1,2)", {"upper", "in"}, {"b"}),
        ('SELECT pg_catalog . "Odd ""name"""  (1)', {'Odd "name"'}, {'Odd "name"'}),
        ("SELECT 'it''s -- ; $ \\ /* (' AS x", set(), set()),
        ("SELECT 1e5pg_sleep(1), 2pg_sleep(2)", {"pg_sleep"}, set()),
        ("SELECT x'1f', b'01', date'2026-01-01'", set(), set()),
        (f"SELECT {'f' * 90}(1)", {"f" * 63}, set()),
        ("VALUES (1)", {"values"}, set()),
    ],
)
def test_names_are_found(statement: str, called: set[str], dotted: set[str]) -> None:
    found = OneSelect.parse(statement)
    assert (set(found.called), set(found.dotted)) == (called, dotted)


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "   ",
        "DELETE FROM t",
        "COPY t TO PROGRAM 'id'",
        "DO 'x'",
        "EXPLAIN ANALYZE SELECT 1",
        "SET x = 1",
        "SELECT 1;",
        "SELECT 1; DELETE FROM t",
        "SELECT 1) AS q, (SELECT 2",
        "SELECT (1",
        "SELECT 1)",
        "SELECT 1 -- comment",
        "SELECT 1 /* comment */",
        "SELECT E'a\\'; DELETE FROM t --'",
        "SELECT 1E'a\\''",
        "SELECT U&'\\0061'",
        'SELECT u&"pg_read\\005ffile"(1)',
        "SELECT $$a$$",
        "SELECT $1",
        "SELECT 'open",
        'SELECT "open',
        'SELECT ""',
        "SELECT `a`",
        "SELECT \\ 1",
        "SELECT '\0'" + "\0",
        "SELECT " + "1" * 20_001,
    ],
)
def test_what_may_be_more_is_refused(statement: str) -> None:
    with pytest.raises(InvalidInput):
        OneSelect.parse(statement)
