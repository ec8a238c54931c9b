"""A validation by Dask-on-Ray finds what it finds in threads."""

from pathlib import Path

import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.data.findings import Report
from actors.data.rules import RuleSet
from actors.data.scheduling import on_ray
from actors.data.validation import Validator
from harness.errors import InvalidInput

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

RULES = RuleSet.model_validate(
    {
        "source": {"parquet": "orders.parquet"},
        "key": ["id"],
        "columns": {"id": {"unique": True}, "n": {"range": {"max": 8}}},
        "references": [{"columns": ["n"], "source": {"csv": "numbers.csv"}}],
    }
)
SCHEMA = pandera.DataFrameSchema({"n": pandera.Column(int, pandera.Check(lambda n: n != 3))})


def test_findings_are_those_of_threads(tmp_path: Path) -> None:
    ids = [*range(1000), 7]
    table = pa.table({"id": ids, "n": [number % 10 for number in ids]})
    pq.write_table(table, tmp_path / "orders.parquet", row_group_size=100)
    (tmp_path / "numbers.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(5)))
    by_threads = validated(tmp_path)
    with on_ray():
        assert validated(tmp_path) == by_threads
    assert [found.failed for found in by_threads.broken] == [100, 2, 100, 501]


def test_an_error_of_a_task_is_the_same_error(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("n\n1\n")
    pq.write_table(pa.table({"id": [1], "n": [1]}), tmp_path / "orders.parquet")
    path = tmp_path / "orders.parquet"
    content = bytearray(path.read_bytes())
    content[8] ^= 0xFF
    path.write_bytes(bytes(content))
    with on_ray(), pytest.raises(InvalidInput, match=r"orders\.parquet"):
        validated(tmp_path)


def validated(folder: Path) -> Report:
    """The report on the orders."""
    return Validator(folder, mask_key=b"key").validate(RULES, schema=SCHEMA)
