"""What is wrong with a spec, and where."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake; lines and columns count from 1."""

    file: str
    line: int
    column: int
    path: str
    """Keys and positions that lead to it, such as `tests[0].steps[1].api`."""
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        return f"{where}{self.path}: {self.message}" if self.path else f"{where}{self.message}"


class InvalidSpec(Exception):
    """A file that is no spec."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """All that was found, in the order of the file."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
