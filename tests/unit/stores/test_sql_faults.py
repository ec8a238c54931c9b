"""What goes wrong with a database, as its callers see it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Corrupt, Unavailable
from harness.stores.sql.engine import Limits
from harness.stores.sql.records import SqlRecords
from tests.fakes.entropy import FakeEntropy
from tests.support.samples import a_run

IMPATIENT = Limits(connections=1, connect_seconds=0.05, busy_seconds=0.05)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@pytest.fixture
def records(file: Path) -> Iterator[SqlRecords]:
    with closing(SqlRecords(f"sqlite:///{file}", FakeEntropy(), IMPATIENT)) as records:
        records.migrate()
        yield records


def test_writer_that_waits_too_long_is_told_so(records: SqlRecords, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="busy"), records.transaction(DEFAULT_SCOPE) as tx:
            tx.runs.add(a_run(), [])
        other.execute("ROLLBACK")
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.runs.page() == []


def test_readers_do_not_wait_for_a_writer(records: SqlRecords, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with records.transaction(DEFAULT_SCOPE) as tx:
            assert tx.runs.page() == []


def test_connections_beyond_the_limit_are_refused(records: SqlRecords) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.page()
        with pytest.raises(Unavailable, match="connections of this process"):
            records.active_runs()


def test_file_that_is_no_database_is_damaged(file: Path) -> None:
    file.write_bytes(b"not a database at all, and long enough to be looked at" * 100)
    records = SqlRecords(f"sqlite:///{file}", FakeEntropy())
    with closing(records), pytest.raises(Corrupt, match="Restore a backup"):
        records.migrate()


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    records = SqlRecords(f"sqlite:///{tmp_path}/file/records.db", FakeEntropy())
    with closing(records), pytest.raises(Unavailable, match=r"file/records\.db"):
        records.migrate()


def test_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://ann:hunter2@/ath?host={tmp_path}"
    records = SqlRecords(url, FakeEntropy(), IMPATIENT)
    with closing(records), pytest.raises(Unavailable, match="postgresql") as raised:
        records.migrate()
    assert "hunter2" not in str(raised.value)
