"""What the page about data shows works."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from tests.architecture.source import ROOT
from tests.unit.data.tables import write

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_first_example_names_the_rows_that_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    orders = pa.table({"order_id": [1, 2, 2], "amount": [5, -5, 1]})
    write(tmp_path / "data", "parquet", "orders", orders)
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[0], "docs/data.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        "2 rows of orders with a repeated order_id: 2, 2",
        "1 row of orders whose amount is not at least 0: 2 (amount -5)",
    ]
    assert (tmp_path / "failing.parquet").exists()
