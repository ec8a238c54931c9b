"""Bringing a database to this version's tables: once, by one process, never backwards."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from harness.errors import Conflict, StorageFull, Unavailable
from harness.stores.sql.engine import sqlite_file
from harness.stores.sql.faults import translated


@dataclass(frozen=True, slots=True)
class Migrations:
    """A folder of Alembic's with the revisions it holds."""

    folder: Path
    revisions: tuple[str, ...]
    """Oldest first; the last is what the code works with."""

    @property
    def head(self) -> str:
        """The newest revision."""
        return self.revisions[-1]


SHIPPED = Migrations(
    Path(__file__).with_name("migrations"), ("0001", "0002", "0003", "0004", "0005", "0006")
)

# Any number will do, as long as nothing else locks it in the same database.
_ADVISORY_LOCK = 0x61746801
_UNDEFINED_TABLE = "42P01"


def migrate(engine: Engine, store: str, migrations: Migrations = SHIPPED) -> None:
    """Create or upgrade the tables; without importing Alembic when nothing is to do.

    Raises:
        Conflict: the data is of a newer version than this code.
        Unavailable: the store does not answer, or another process migrates for too long.
        StorageFull: no room is left; nothing was changed.
    """
    file = sqlite_file(engine)
    if file is None:
        _migrate_server(engine, store, migrations)
    else:
        _migrate_file(engine, store, file, migrations)


def _migrate_server(engine: Engine, store: str, migrations: Migrations) -> None:
    with translated(store), engine.connect() as connection:
        if _is_current(_revision(connection), store, migrations):
            return
        connection.rollback()
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        if not _is_current(_revision(connection), store, migrations):
            _upgrade(connection, migrations)
        connection.commit()


def _migrate_file(engine: Engine, store: str, file: Path, migrations: Migrations) -> None:
    if file.exists() and _is_file_current(engine, store, migrations):
        return
    with _only_process(file), translated(store), engine.connect() as connection:
        revision = _revision(connection)
        if _is_current(revision, store, migrations):
            return
        connection.commit()
        # Stays with the file, so that no connection needs to say it again.
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        if revision is not None:
            _back_up(file, f"{file.name}.before-{migrations.head}-was-{revision}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _upgrade(connection, migrations)
        connection.commit()


def _is_file_current(engine: Engine, store: str, migrations: Migrations) -> bool:
    with translated(store), engine.connect() as connection:
        return _is_current(_revision(connection), store, migrations)


def _revision(connection: Connection) -> str | None:
    """What the database says of itself; None when it is empty."""
    try:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except (OperationalError, ProgrammingError) as error:
        if _is_missing_table(error):
            connection.rollback()
            return None
        raise


def _is_missing_table(error: OperationalError | ProgrammingError) -> bool:
    code = getattr(error.orig, "pgcode", None)
    return code == _UNDEFINED_TABLE or "no such table: alembic_version" in str(error.orig)


def _is_current(revision: str | None, store: str, migrations: Migrations) -> bool:
    if revision is not None and revision not in migrations.revisions:
        raise Conflict(
            f"The record store {store} is at revision {revision}; this version knows "
            f"{migrations.revisions[0]} to {migrations.head}. Start the newer version "
            "that wrote it, or restore the backup from before its upgrade."
        )
    return revision == migrations.head


def _upgrade(connection: Connection, migrations: Migrations) -> None:
    # Alembic takes longer to import than all of a start without migration.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations.folder))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, migrations.head)


@contextmanager
def _only_process(file: Path) -> Iterator[None]:
    """Wait for other processes that migrate the same file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(file.with_name(f"{file.name}.migrating"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unavailable(
            f"The folder of the record store {file} cannot be used ({error}). "
            "Make it writable, or name another."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _back_up(file: Path, name: str) -> None:
    copy = file.with_name(name)
    partial = copy.with_name(f"{name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
        _sync(partial)
        partial.replace(copy)
    except (OSError, sqlite3.OperationalError) as error:
        partial.unlink(missing_ok=True)
        raise StorageFull(
            f"The backup {copy} could not be written ({error}); nothing was migrated. "
            "Free some room, then start again."
        ) from error


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
