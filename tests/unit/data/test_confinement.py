"""No path leads out of the suite's folder."""

from pathlib import Path

import pyarrow as pa
import pytest

from actors.data.confinement import Confinement
from harness.errors import InvalidInput, NotFound
from tests.unit.data.tables import validated, write

TABLE = pa.table({"a": [1, 2, 3]})


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite's folder beside a secret one."""
    (tmp_path / "suite").mkdir()
    (tmp_path / "secret").mkdir()
    write(tmp_path / "secret", "parquet", "t", TABLE)
    write(tmp_path / "secret", "csv", "t", TABLE)
    return tmp_path / "suite"


@pytest.mark.parametrize(
    "pattern", ["../secret/t.csv", "/etc/passwd", "a/../../secret/*.csv", "..", "a\0b", ".", ""]
)
@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_path_that_leads_out_is_refused(suite: Path, kind: str, pattern: str) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        validated(suite, {"source": {kind: pattern}})


@pytest.mark.parametrize("pattern", ["link.csv", "*.csv", "folder/t.csv", "folder/*.csv"])
def test_a_link_that_leads_out_is_refused(suite: Path, pattern: str) -> None:
    (suite / "link.csv").symlink_to("../secret/t.csv")
    (suite / "folder").symlink_to("../secret")
    with pytest.raises(InvalidInput, match="leads out of the suite's folder through a link"):
        validated(suite, {"source": {"csv": pattern}})


@pytest.mark.parametrize("pattern", ["folder", "data"])
def test_a_folder_behind_a_link_is_refused(suite: Path, pattern: str) -> None:
    (suite / "folder").symlink_to("../secret")
    (suite / "data").mkdir()
    (suite / "data" / "t.parquet").symlink_to("../../secret/t.parquet")
    with pytest.raises(InvalidInput, match="leads out"):
        validated(suite, {"source": {"parquet": pattern}})


def test_a_link_within_the_folder_is_followed(suite: Path) -> None:
    write(suite, "csv", "t", TABLE)
    (suite / "link.csv").symlink_to("t.csv")
    assert validated(suite, {"source": {"csv": "link.csv"}}).rows == 3


def test_a_path_may_begin_below_the_root(suite: Path) -> None:
    (suite / "specs").mkdir()
    write(suite, "csv", "t", TABLE)
    paths = Confinement(suite, suite / "specs")
    assert paths.files("../t.csv", (".csv",)) == [suite / "t.csv"]
    with pytest.raises(InvalidInput, match="no relative path inside the suite's folder"):
        paths.files("../../secret/t.csv", (".csv",))


def test_files_come_in_one_order(suite: Path) -> None:
    for name in ("b.csv", "a.csv", "c.txt"):
        (suite / name).write_text("x\n")
    found = Confinement(suite, suite).files("*.csv", (".csv",))
    assert [path.name for path in found] == ["a.csv", "b.csv"]
