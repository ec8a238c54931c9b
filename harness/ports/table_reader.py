"""Databases that are asked by somebody who may not change or leave them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TableText:
    """An answer as text."""

    rows: Sequence[str]
    """Each a JSON object, in the order of its columns."""
    is_cut: bool = False
    """There were more rows than asked for, or one had too many bytes."""


class TableReader(Protocol):
    """Asks one database on behalf of a stranger, in whatever words he chooses."""

    def read(self, statement: str, most_rows: int, most_bytes: int) -> TableText:
        """The answer of one SELECT, within a bounded time.

        Raises:
            InvalidInput: the database refuses the statement, or it might do more than read.
            Unavailable: the database does not answer.
        """
        ...
