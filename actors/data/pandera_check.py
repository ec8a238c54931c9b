"""A user's own Pandera check, run by Pandera on each batch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from actors.data.reading import Batch
from harness.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class PanderaCheck:
    """A function of a column, or of whole rows, that answers for each row."""

    rule: str
    columns: tuple[str, ...]
    check: Any  # Any: pandera has no types for its checks
    column: str
    """The one that it judges; empty where it judges whole rows."""

    @property
    def expected(self) -> str:
        """The check as Pandera names it."""
        return str(self.check.error or self.check.name or "the check")

    @property
    def fault(self) -> str:
        """Names the check."""
        whose = f"whose {self.column} fails" if self.column else "that fail"
        return f"rows {whose} {self.expected}"

    def failing(self, batch: Batch) -> pa.Array:
        """Where the check says no.

        Raises:
            InvalidInput: it raises, or does not answer for each row.
        """
        frame = batch.table.select(list(self.columns)).to_pandas()
        checked = frame[self.column] if self.column else frame
        # What the function raises may hold values: its type must do.
        try:
            output, problem = self.check(checked).check_output, ""
        except Exception as error:  # any function of a user
            output, problem = None, type(error).__name__
        if problem:
            raise InvalidInput(f"check {self.expected} of {self.rule} raised {problem}")
        return pa.array(self._marks(output, len(frame)))

    def _marks(self, output: Any, rows: int) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Marks by place; Pandera leaves rows out whose value is missing."""
        if getattr(output, "ndim", 0) == 2:
            output = output.all(axis="columns")
        if getattr(output, "ndim", 0) != 1:
            raise InvalidInput(
                f"check {self.expected} of {self.rule} gives one answer for many rows, and rows "
                "are judged in batches: have it give one answer a row"
            )
        marks = np.zeros(rows, np.bool_)
        wrong = output.index[~output.to_numpy(dtype=bool, na_value=True)]
        marks[wrong.to_numpy()] = True
        return marks
