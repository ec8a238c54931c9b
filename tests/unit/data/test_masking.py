"""A masked value never leaves: not in rows, messages, artifacts or errors."""

import traceback
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.data.masking import Mask
from actors.data.rules import RuleSet
from actors.data.validation import Validator
from harness.errors import HarnessError
from tests.unit.data.tables import KINDS, validated, write

SECRET = "Zq7-hush-Zq7"
TABLE = pa.table(
    {
        "email": [SECRET, SECRET, "other", None],
        "pay": [987654.321, 1.0, 1.0, 2.0],
        "group": ["x", "x", "y", "y"],
    }
)
RULES: dict[str, Any] = {
    "key": ["email"],
    "mask": ["email", "pay"],
    "columns": {
        "email": {"matches": "nothing", "length": {"max": 1}, "in": ["none"], "unique": True},
        "pay": {"range": {"max": 0}},
    },
    "rows": [{"left": "email", "is": "<", "right": "group"}],
    "unique": [["email", "group"]],
    "totals": [
        {"column": "pay", "equals": {"source": {"parquet": "other.parquet"}}},
        {"column": "pay", "by": ["email"], "equals": {"source": {"parquet": "other.parquet"}}},
        {"aggregate": "max", "column": "pay", "equals": {"source": {"parquet": "other.parquet"}}},
    ],
}


def rules(folder: Path, kind: str) -> dict[str, Any]:
    """Rules all of which masked values break."""
    nobody = pa.table({"address": ["nobody"], "email": ["nobody"], "pay": [0.5]})
    other = write(folder, "parquet", "other", nobody)
    pair = {"columns": ["email"], "to": ["address"], "source": other}
    source = write(folder, kind, "people", TABLE)
    return {**RULES, "source": source, "references": [pair], "covers": [pair]}


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_finding_and_no_artifact_holds_a_masked_value(
    tmp_path: Path, kind: str, ending: str
) -> None:
    artifact = tmp_path / f"failing.{ending}"
    document = RuleSet.model_validate(rules(tmp_path, kind))
    report = Validator(tmp_path).validate(document, frames={"people": TABLE}, artifact=artifact)
    content = pq.read_table(artifact).to_pydict() if ending == "parquet" else artifact.read_text()
    assert len(report.broken) == 12
    for text in (report.text, repr(report), repr(content)):
        assert all(secret not in text for secret in (SECRET, "987654", "nobody"))


def test_tokens_tell_equal_values_and_no_more() -> None:
    mask = Mask({"email"}, b"key")
    one, two, other = mask.values("email", [SECRET, SECRET, "other"])
    assert one == two != other
    assert mask.value("email", None) is None
    assert mask.value("city", SECRET) == SECRET


def test_tokens_are_the_same_in_two_reports_only_with_a_key(tmp_path: Path) -> None:
    document = rules(tmp_path, "parquet")
    texts = [validated(tmp_path, document).text for _ in range(2)]
    keyed = [validated(tmp_path, document, mask_key=b"key").text for _ in range(2)]
    assert texts[0] != texts[1]
    assert keyed[0] == keyed[1]


@given(value=st.text(st.sampled_from("XYZ07@-"), min_size=4, max_size=30))
@settings(max_examples=25, deadline=None)
def test_no_value_leaks_whatever_it_is(value: str) -> None:
    with TemporaryDirectory() as name:
        source = write(Path(name), "csv", "t", pa.table({"a": [value, value], "b": ["k", "l"]}))
        columns = {"a": {"type": "date", "nullable": True}}
        document = {"source": source, "mask": ["a"], "columns": columns}
        assert value not in validated(Path(name), document).text


def tells(values: Any) -> Any:
    """A user's check whose error holds what it saw."""
    raise ValueError(f"{list(values)}")


@pytest.mark.parametrize(
    ("content", "schema"),
    [
        (f"email,n\n{SECRET},1,2\n", None),
        (f'email,n\n"{SECRET},1\n', None),
        (f"email,n\n{SECRET}\udcff,1\n", None),
        (f"email,n\n{SECRET},1\n", pandera.DataFrameSchema(checks=pandera.Check(tells))),
    ],
)
def test_no_error_holds_a_value(tmp_path: Path, content: str, schema: Any) -> None:
    (tmp_path / "t.csv").write_bytes(content.encode(errors="surrogateescape"))
    document = {"source": {"csv": "t.csv"}, "mask": ["email"], "columns": {"email": {}, "n": {}}}
    with pytest.raises(HarnessError) as refused:
        validated(tmp_path, document, schema=schema)
    assert SECRET not in "".join(traceback.format_exception(refused.value))
