"""A document of rules is read strictly, and refused in clear words."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from actors.data.rules import RuleSet

CSV = {"csv": "a.csv"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "source\n  Field required"),
        ({"source": {}}, "exactly one of csv, parquet, jsonl, sql, frame: it names none"),
        ({"source": {"csv": "a", "jsonl": "b"}}, "it names csv and jsonl"),
        ({"source": {"sql": "db"}}, "needs either `query` or `table`"),
        ({"source": {"sql": "db", "query": "select 1", "table": "t"}}, "either `query` or `table`"),
        ({"source": {**CSV, "table": "t"}}, "belong to sql, not to csv"),
        ({"source": {**CSV, "delimiter": "||"}}, "source.delimiter"),
        ({"source": CSV, "colums": {}}, "colums\n  Extra inputs are not permitted"),
        ({"source": CSV, "columns": {"a": {"typ": "string"}}}, "columns.a.typ"),
        ({"source": CSV, "columns": {"a": {"type": "varchar"}}}, "columns.a.type"),
        ({"source": CSV, "rows": [{"left": "a", "is": "=", "right": "b"}]}, "rows.0.is"),
        ({"source": CSV, "unique": [[]]}, "unique.0"),
        ({"source": CSV, "fresh": {"column": "t", "within": "soon"}}, "'soon' is no duration"),
        (
            {"source": CSV, "references": [{"columns": ["a"], "to": ["b", "c"], "source": CSV}]},
            "`columns` names 1 columns and `to` names 2",
        ),
        ({"source": CSV, "totals": [{"equals": {"source": CSV}}]}, "`sum` needs a `column`"),
        ({"source": CSV, "shown": 0}, "shown"),
    ],
)
def test_a_wrong_document_is_refused_at_its_place(document: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RuleSet.model_validate(document)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1.5h", 5400), ("7d", 604_800), ("5ms", 0.005)],
)
def test_durations_are_written_short(text: str, seconds: float) -> None:
    rules = RuleSet.model_validate({"source": CSV, "fresh": {"column": "t", "within": text}})
    assert rules.fresh
    assert rules.fresh.within == timedelta(seconds=seconds)
