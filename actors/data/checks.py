"""Rules that each row meets or fails by itself, judged on whole batches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from actors.data.reading import Batch
from actors.data.texts import as_text


class Check(Protocol):
    """One such rule; travels to other processes."""

    @property
    def rule(self) -> str:
        """Where it stands, as in `columns.price.range`."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """What it looks at."""
        ...

    @property
    def fault(self) -> str:
        """What is wrong with a row that fails: `rows whose price is below 0`."""
        ...

    @property
    def expected(self) -> str:
        """What it asks for."""
        ...

    def failing(self, batch: Batch) -> pa.Array:
        """Booleans without nulls: which rows fail."""
        ...


@dataclass(frozen=True, slots=True)
class Present:
    """No value is missing."""

    rule: str
    column: str
    expected: str = "a value"

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    @property
    def fault(self) -> str:
        """Names the column."""
        return f"rows without {self.column}"

    def failing(self, batch: Batch) -> pa.Array:
        """Null, and not because the text could not be read."""
        missing = pc.is_null(batch.column(self.column))
        unreadable = batch.unreadable.get(self.column)
        return missing if unreadable is None else pc.and_(missing, pc.is_null(unreadable))


@dataclass(frozen=True, slots=True)
class Readable:
    """Every text is a value of its column's type."""

    rule: str
    column: str
    expected: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    @property
    def fault(self) -> str:
        """Names the type."""
        return f"rows whose {self.column} is no {self.expected}"

    def failing(self, batch: Batch) -> pa.Array:
        """Where a text was left over."""
        unreadable = batch.unreadable.get(self.column)
        if unreadable is None:
            return pa.repeat(pa.scalar(False), batch.table.num_rows)
        return pc.is_valid(unreadable)


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {  # Any: Arrow has no types
    "<": pc.less,
    "<=": pc.less_equal,
    "==": pc.equal,
    "!=": pc.not_equal,
    ">=": pc.greater_equal,
    ">": pc.greater,
}
_WORDS = {
    "<": "below",
    "<=": "at most",
    "==": "equal to",
    "!=": "other than",
    ">=": "at least",
    ">": "above",
}


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value, or a text's length, stands in some relations to fixed values."""

    rule: str
    column: str
    bounds: tuple[tuple[str, pa.Scalar], ...]
    """Operators and values; all must hold."""
    of_length: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    @property
    def expected(self) -> str:
        """The bounds in words."""
        return " and ".join(f"{_WORDS[sign]} {_said(value)}" for sign, value in self.bounds)

    @property
    def fault(self) -> str:
        """Names the column and the bounds."""
        subject = f"length of {self.column}" if self.of_length else self.column
        return f"rows whose {subject} is not {self.expected}"

    def failing(self, batch: Batch) -> pa.Array:
        """Null never fails."""
        values = batch.column(self.column)
        if self.of_length:
            values = pc.utf8_length(values)
        held = [_OPERATORS[sign](values, value) for sign, value in self.bounds]
        holds = held[0]
        for more in held[1:]:
            holds = pc.and_(holds, more)
        return pc.invert(holds.fill_null(True))


@dataclass(frozen=True, slots=True)
class OneOf:
    """A value is one of some, or none of them."""

    rule: str
    column: str
    values: pa.Array
    negated: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    @property
    def expected(self) -> str:
        """The values, the first of them where they are many."""
        named = ", ".join(_said(value) for value in self.values[:10])
        more = f" and {len(self.values) - 10} more" if len(self.values) > 10 else ""
        return f"{'none' if self.negated else 'one'} of {named}{more}"

    @property
    def fault(self) -> str:
        """Names the column and the values."""
        return f"rows whose {self.column} is not {self.expected}"

    def failing(self, batch: Batch) -> pa.Array:
        """Null never fails."""
        values = batch.column(self.column)
        found = pc.is_in(values, value_set=self.values)
        wrong = found if self.negated else pc.invert(found)
        return pc.and_(wrong, pc.is_valid(values)) if values.null_count else wrong


@dataclass(frozen=True, slots=True)
class Matching:
    """A text matches a regular expression."""

    rule: str
    column: str
    pattern: str
    """For RE2, with its anchors; its time grows with the text's length alone."""
    said: str
    """As the user wrote it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    @property
    def expected(self) -> str:
        """The pattern."""
        return f"a match of {self.said}"

    @property
    def fault(self) -> str:
        """Names the column and the pattern."""
        return f"rows whose {self.column} does not match {self.said}"

    def failing(self, batch: Batch) -> pa.Array:
        """Null never fails."""
        found = pc.match_substring_regex(batch.column(self.column), self.pattern)
        return pc.invert(found.fill_null(True))


@dataclass(frozen=True, slots=True)
class Compared:
    """Two columns of a row stand in a relation."""

    rule: str
    left: str
    operator: str
    right: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Both."""
        return (self.left, self.right)

    @property
    def expected(self) -> str:
        """The relation."""
        return f"{self.left} {self.operator} {self.right}"

    @property
    def fault(self) -> str:
        """Names the relation."""
        return f"rows whose {self.left} is not {_WORDS[self.operator]} their {self.right}"

    def failing(self, batch: Batch) -> pa.Array:
        """Null on either side never fails."""
        compare = _OPERATORS[self.operator]
        holds = compare(batch.column(self.left), batch.column(self.right))
        return pc.invert(holds.fill_null(True))


def _said(value: pa.Scalar) -> str:
    return str(as_text(pa.array([value.as_py()], value.type))[0].as_py())
