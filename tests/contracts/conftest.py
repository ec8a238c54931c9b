"""Every adapter of every port, one after the other."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from harness.ports.entropy import SystemEntropy
from harness.stores.sql.records import SqlRecords
from tests.support.postgres import postgres_server

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server whose database `postgres` holds the tables, as the template of every test's own."""
    with postgres_server() as url:
        with closing(SqlRecords(url, SystemEntropy())) as records:
            records.migrate()
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database."""
    if request.param == "postgres":
        with _copy(request.getfixturevalue("postgres")) as url:
            yield url
        return
    url = f"sqlite:///{tmp_path / 'records.db'}"
    with closing(SqlRecords(url, SystemEntropy())) as records:
        records.migrate()
    yield url


@pytest.fixture
def records(records_url: str) -> Iterator[SqlRecords]:
    """A record store."""
    with closing(SqlRecords(records_url, SystemEntropy())) as records:
        yield records


@contextmanager
def _copy(server: str) -> Iterator[str]:
    """A database of one test; all of them together would take long to remove at the end."""
    name = f"test{next(_NUMBERS)}"
    # A database cannot be copied while somebody is connected to it.
    outside = make_url(server).set(drivername="postgresql+psycopg2", database="template1")
    engine = create_engine(outside, poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE postgres"))
        yield server.replace("/postgres?", f"/{name}?")
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
