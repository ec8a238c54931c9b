"""`sql.read`: questions to the databases that an environment names."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from actors.broker.tools.arguments import Arguments
from actors.broker.tools.tool import Tool, ToolAnswer, quoted
from harness.errors import NotFound
from harness.ports.clock import Clock
from harness.ports.table_reader import TableReader

MOST_ROWS = 1_000
MOST_BYTES = 128 << 10
SIDE_BY_SIDE = 2
"""Statements of one lease."""


class SqlArguments(Arguments):
    """One question."""

    database: Annotated[str, StringConstraints(max_length=200)]
    """One of those that the environment names."""
    statement: Annotated[str, StringConstraints(max_length=20_000)]
    """One SELECT, without comments and semicolons."""
    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100
    """At most."""


@dataclass(frozen=True, slots=True)
class SqlRead:
    """Asks a database by its name; the agent never sees the address."""

    databases: Mapping[str, TableReader]
    threads: ThreadPoolExecutor
    """Its own: a statement goes on when its call was given up, and must hold nobody else up."""
    name: str = "sql.read"
    lacks: str = ""
    pays_itself: bool = False

    @property
    def description(self) -> str:
        """With the names of the databases."""
        names = ", ".join(sorted(self.databases)) or "none"
        return f"Ask a database with one SELECT; each row is a JSON object. Databases: {names}."

    @property
    def schema(self) -> Mapping[str, Any]:  # Any: a JSON Schema
        """Of its arguments."""
        return SqlArguments.described()

    async def call(self, given: Mapping[str, object]) -> ToolAnswer:
        """Ask."""
        asked = SqlArguments.read(given)
        reader = self.databases.get(asked.database)
        if reader is None:
            names = ", ".join(sorted(self.databases)) or "none"
            raise NotFound(f"There is no database {asked.database!r}; there are: {names}.")
        found = await asyncio.get_running_loop().run_in_executor(
            self.threads, reader.read, asked.statement, asked.rows, MOST_BYTES
        )
        note = f"{len(found.rows)} rows of {asked.database!r}"
        note += ", and more that are left out." if found.is_cut else "."
        return quoted(note, "\n".join(found.rows))

    async def close(self) -> None:
        """Statements that are under way end by themselves, and are not waited for."""
        self.threads.shutdown(wait=False, cancel_futures=True)


def sql_read(databases: Mapping[str, str], clock: Clock, seconds: float = 10.0) -> Tool:
    """The tool for SQLAlchemy URLs by name; `seconds` bounds each statement.

    Raises:
        InvalidInput: a URL is of a database where reading alone cannot be enforced.
    """
    from harness.stores.sql.table_readers import open_reader

    readers = {name: open_reader(url, clock, seconds) for name, url in databases.items()}
    return SqlRead(readers, ThreadPoolExecutor(SIDE_BY_SIDE, "sql"))
