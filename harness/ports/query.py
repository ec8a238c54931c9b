"""Rows of a database that is not ours, for reading alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RowChunk:
    """Some consecutive rows of an answer."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


class Query(Protocol):
    """Asks one database; it cannot change anything there."""

    def rows(self, statement: str, chunk_rows: int) -> Iterator[RowChunk]:
        """The answer of one SELECT in chunks; memory holds one at a time. At least one chunk.

        Raises:
            InvalidInput: the database refuses the statement, or the statement would change it.
            Unavailable: the database does not answer.
        """
        ...

    def whole_table(self, table: str) -> str:
        """The SELECT of every row of `name` or `schema.name`, quoted as the database asks."""
        ...
