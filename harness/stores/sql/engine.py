"""Bounded connections with explicit deadlines to SQLite or PostgreSQL."""

from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from harness.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one process asks of the record store, and how long it waits."""

    connections: int = 8
    connect_seconds: float = 5.0
    """For a connection: a free one of the pool, or a new one."""
    busy_seconds: float = 10.0
    """For a lock that another transaction holds."""
    statement_seconds: float = 60.0
    """For one statement (PostgreSQL only)."""


def open_engine(url: str, limits: Limits) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql://…`; opens no connection yet.

    Raises:
        InvalidInput: the URL names neither.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, limits)
    return _postgres(parsed, limits)


def sqlite_file(engine: Engine) -> Path | None:
    """The database file; None for a server."""
    if engine.dialect.name != "sqlite":
        return None
    return Path(str(engine.url.database))


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    backend = parsed.get_backend_name() if parsed else ""
    if parsed is None or backend not in {"sqlite", "postgresql"}:
        raise InvalidInput(
            "The record store's URL is not usable. Use sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/DATABASE."
        )
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise InvalidInput(
            "An SQLite record store needs a file, because several processes share it. "
            "Use sqlite:///FILE."
        )
    return parsed


def _sqlite(url: URL, limits: Limits) -> Engine:
    engine = create_engine(
        url,
        # None: this package writes BEGIN itself, because the driver's own comes too late.
        connect_args={"timeout": limits.busy_seconds, "isolation_level": None},
        pool_size=limits.connections,
        max_overflow=0,
        pool_timeout=limits.connect_seconds,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: SqliteConnection, _record: Any) -> None:  # SQLAlchemy's own type
    connection.execute("PRAGMA foreign_keys = ON")
    # With NORMAL a commit survives a killed process, but a machine that loses power may forget the
    # last ones, although they were acknowledged. FULL waits for the disk at every commit.
    connection.execute("PRAGMA synchronous = FULL")


def _postgres(url: URL, limits: Limits) -> Engine:
    options = {
        "lock_timeout": limits.busy_seconds,
        "statement_timeout": limits.statement_seconds,
        "idle_in_transaction_session_timeout": limits.statement_seconds,
    }
    return create_engine(
        url.set(drivername="postgresql+psycopg2"),
        connect_args={
            "connect_timeout": max(1, round(limits.connect_seconds)),
            "application_name": "ath",
            "options": " ".join(f"-c {k}={round(v * 1000)}" for k, v in options.items()),
        },
        pool_size=limits.connections,
        max_overflow=0,
        pool_timeout=limits.connect_seconds,
        pool_pre_ping=True,
        # Sends updates of many rows in pages instead of one round trip each.
        executemany_mode="values_plus_batch",
    )
