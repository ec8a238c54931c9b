"""What a database driver raises, as errors of the platform."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from harness.errors import (
    Conflict,
    Corrupt,
    HarnessError,
    InvalidInput,
    NotFound,
    StorageFull,
    Unavailable,
)

# A full disk shows as IOERR_SHMSIZE when the file shared by SQLite's connections cannot grow.
_SQLITE_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}
_SQLITE_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_FOREIGN_KEY = {"SQLITE_CONSTRAINT_FOREIGNKEY", "23503"}
_DUPLICATE = {"SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE", "23505"}
_POSTGRES_FULL = {"53100"}
_POSTGRES_BROKEN = {"XX001", "XX002"}


@contextmanager
def translated(store: str) -> Iterator[None]:
    """Raise errors of the platform for everything the driver of `store` raises within."""
    try:
        yield
    except DBAPIError as error:
        raise _of_driver(store, error) from error
    except PoolTimeout as error:
        raise Unavailable(
            f"All connections of this process to the record store {store} are in use. "
            "Try again; raise its pool size if this goes on."
        ) from error
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"The record cannot be stored: {error.object!r} is no Unicode text. Replace what is "
            "not in it."
        ) from error


def _of_driver(store: str, error: DBAPIError) -> HarnessError | SQLAlchemyError:
    cause = error.orig
    name = getattr(cause, "sqlite_errorname", None) or getattr(cause, "pgcode", None) or ""
    code = getattr(cause, "sqlite_errorcode", 0)
    if code in _SQLITE_FULL or name in _POSTGRES_FULL:
        return StorageFull(
            f"The disk of the record store {store} is full; nothing was changed. "
            "Free some room, then try again."
        )
    if code & 0xFF in _SQLITE_BROKEN or name in _POSTGRES_BROKEN:
        return Corrupt(f"The record store {store} is damaged ({cause}). Restore a backup.")
    if name in _FOREIGN_KEY:
        return NotFound(f"What the new record belongs to is not in the record store ({cause}).")
    if name in _DUPLICATE:
        return Conflict(f"Such a record is there already ({cause}). Read it again.")
    if _is_bug(name, cause):
        return error
    return Unavailable(
        f"The record store {store} does not answer or is busy ({str(cause).strip()}). Try again; "
        "if this goes on, look at the store."
    )


def _is_bug(name: str, cause: BaseException | None) -> bool:
    """Whether the statement itself is wrong, so that trying again cannot help."""
    return (
        name in {"SQLITE_ERROR", "SQLITE_MISUSE", "SQLITE_RANGE", "SQLITE_MISMATCH"}
        or name.startswith(("22", "23", "42", "SQLITE_CONSTRAINT"))
        or (name == "" and isinstance(cause, sqlite3.ProgrammingError | sqlite3.InterfaceError))
    )
