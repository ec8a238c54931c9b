"""Bringing databases to this version's tables."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Conflict, InvalidInput
from harness.stores.sql.engine import Limits, open_engine
from harness.stores.sql.migration import SHIPPED, Migrations, migrate
from harness.stores.sql.records import SqlRecords
from harness.stores.sql.tables import METADATA
from tests.fakes.entropy import FakeEntropy
from tests.support.samples import SUBMITTED, a_run

NEWEST = SHIPPED.revisions[-1]
NEXT = f"""
from alembic import op
import sqlalchemy as sa

revision = "9000"
down_revision = "{NEWEST}"


def upgrade() -> None:
    op.add_column("runs", sa.Column("colour", sa.Text()))
"""
QUICK = """
import sys
from harness.stores.sql.records import SqlRecords
from tests.fakes.entropy import FakeEntropy

records = SqlRecords(sys.argv[1], FakeEntropy())
records.migrate()
print("alembic" in sys.modules)
"""


def test_migrated_tables_are_those_the_code_works_with(tmp_path: Path) -> None:
    file = migrated(tmp_path)
    with open_engine(f"sqlite:///{file}", Limits()).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_every_shipped_revision_is_known() -> None:
    config = Config()
    config.set_main_option("script_location", str(SHIPPED.folder))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert [script.revision for script in scripts] == list(reversed(SHIPPED.revisions))


def test_newer_data_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = migrated(tmp_path)
    execute(file, "UPDATE alembic_version SET version_num = '9999'")
    before = file.read_bytes()
    with pytest.raises(Conflict, match=r"at revision 9999.*newer version"):
        SqlRecords(f"sqlite:///{file}", FakeEntropy()).migrate()
    assert file.read_bytes() == before


def test_upgrade_keeps_the_data_and_a_copy_from_before(tmp_path: Path) -> None:
    file = migrated(tmp_path)
    records = SqlRecords(f"sqlite:///{file}", FakeEntropy())
    with closing(records), records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.add(a_run(), [SUBMITTED])
    migrate(open_engine(f"sqlite:///{file}", Limits()), "the store", with_next(tmp_path))
    backup = tmp_path / f"records.db.before-9000-was-{NEWEST}"
    assert execute(file, "SELECT id, colour FROM runs") == [("run00001", None)]
    assert execute(backup, "SELECT id, version_num FROM runs, alembic_version") == [
        ("run00001", NEWEST)
    ]


def test_failed_upgrade_changes_nothing(tmp_path: Path) -> None:
    file = migrated(tmp_path)
    migrations = with_next(tmp_path, NEXT + "    raise ZeroDivisionError\n")
    with pytest.raises(ZeroDivisionError):
        migrate(open_engine(f"sqlite:///{file}", Limits()), "the store", migrations)
    assert execute(file, "SELECT version_num FROM alembic_version") == [(NEWEST,)]
    assert "colour" not in str(execute(file, "SELECT sql FROM sqlite_master"))


@pytest.mark.process
def test_many_processes_may_migrate_at_once_and_alembic_rests_later(tmp_path: Path) -> None:
    command = [sys.executable, "-c", QUICK, f"sqlite:///{tmp_path / 'new' / 'records.db'}"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert "True\n" in {process.communicate(timeout=60)[0] for process in processes}
    assert {process.returncode for process in processes} == {0}
    later = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert later.stdout == "False\n"


@pytest.mark.parametrize("url", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_unusable_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="Use sqlite:///FILE"):
        SqlRecords(url, FakeEntropy())


def migrated(folder: Path) -> Path:
    file = folder / "records.db"
    with closing(SqlRecords(f"sqlite:///{file}", FakeEntropy())) as records:
        records.migrate()
    return file


def with_next(folder: Path, source: str = NEXT) -> Migrations:
    copy = shutil.copytree(SHIPPED.folder, folder / "migrations")
    (copy / "versions" / "0003_next.py").write_text(source)
    return Migrations(copy, (*SHIPPED.revisions, "9000"))


def execute(file: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute(statement).fetchall()
        connection.commit()
    return found
