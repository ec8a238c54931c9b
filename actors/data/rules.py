"""The declarative form of a validation: sources, and what must hold of their rows."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

TypeName = Literal["string", "integer", "number", "boolean", "date", "timestamp"]
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr | datetime | date
Columns = Annotated[tuple[str, ...], Field(min_length=1)]

_PLACES = ("csv", "parquet", "jsonl", "sql", "frame")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(value: Any) -> Any:  # Any: whatever a document holds
    """A timedelta of a text like `90s`, `15m`, `2h` or `7d`; other values are left as they are."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", value.strip())
    if not found:
        raise ValueError(f"{value!r} is no duration: write a number and ms, s, m, h or d")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


Duration = Annotated[timedelta, BeforeValidator(duration)]


class Part(BaseModel):
    """What every part of the document has in common: frozen, and no field unknown."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class Source(Part):
    """Where rows come from: exactly one of `csv`, `parquet`, `jsonl`, `sql` and `frame`."""

    csv: str | None = None
    """Path, or glob, of CSV files with one header line each, plain or `.gz`."""
    parquet: str | None = None
    """Path, glob, or folder of Parquet files; a folder may be partitioned as `name=value`."""
    jsonl: str | None = None
    """Path, or glob, of files with one JSON object a line, plain or `.gz`."""
    sql: str | None = None
    """Name of the secret that holds the database's SQLAlchemy URL."""
    frame: str | None = None
    """Name of a frame that the caller hands over."""
    query: str | None = None
    """For `sql`: one SELECT."""
    table: str | None = None
    """For `sql`: a whole table, `schema.name` or `name`."""
    delimiter: str = Field(default=",", pattern=r'^[^"\r\n]$')
    """For `csv`."""
    nulls: tuple[str, ...] = ("",)
    """For `csv`: which unquoted fields are null; `NA` is not, unless it stands here."""
    name: str = ""
    """What messages call it; the file's, table's or frame's name where left out."""

    @model_validator(mode="after")
    def _names_one_place(self) -> Self:
        given = [place for place in _PLACES if getattr(self, place) is not None]
        if len(given) != 1:
            said = f"it names {' and '.join(given)}" if given else "it names none"
            raise ValueError(f"a source is exactly one of csv, parquet, jsonl, sql, frame: {said}")
        if given == ["sql"] and bool(self.query) == bool(self.table):
            raise ValueError("a source in sql needs either `query` or `table`")
        if given != ["sql"] and (self.query or self.table):
            raise ValueError(f"`query` and `table` belong to sql, not to {given[0]}")
        return self


class Range(Part):
    """Bounds of a value; `min` and `max` belong to the range, `above` and `below` do not."""

    min: Scalar | None = None
    max: Scalar | None = None
    above: Scalar | None = None
    below: Scalar | None = None


class Length(Part):
    """Bounds of a text's length in characters."""

    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)


class Column(Part):
    """What must hold of every value of one column; null meets all but `nullable`."""

    type: TypeName | None = None
    """Texts (CSV) are read as this type, and those that cannot be are findings."""
    nullable: bool = False
    """Whether a value may be missing; a float that is not a number counts as missing."""
    unique: bool = False
    """No value occurs twice; null may."""
    one_of: tuple[Scalar, ...] | None = Field(default=None, alias="in")
    """The only values allowed."""
    range: Range | None = None
    matches: str | None = None
    """A regular expression (RE2) for the whole text."""
    length: Length | None = None


class Comparison(Part):
    """Two columns of each row compared; a row where either is null meets it."""

    left: str
    operator: Literal["<", "<=", "==", "!=", ">=", ">"] = Field(alias="is")
    right: str


class Count(Part):
    """Bounds of the number of rows."""

    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)


class Freshness(Part):
    """The newest value of a column of times is at most so old; without a zone it is in UTC."""

    column: str
    within: Duration


class Reference(Part):
    """Every key of these rows is found in another source; keys with a null part need not be."""

    columns: Columns
    source: Source
    to: tuple[str, ...] = ()
    """The other source's columns, in the same order; the same names where left out."""

    @model_validator(mode="after")
    def _pairs_columns(self) -> Self:
        if self.to and len(self.to) != len(self.columns):
            raise ValueError(
                f"`columns` names {len(self.columns)} columns and `to` names {len(self.to)}"
            )
        return self

    @property
    def theirs(self) -> tuple[str, ...]:
        """The other source's columns."""
        return self.to or self.columns


class TotalOf(Part):
    """The other side of a total."""

    source: Source
    column: str | None = None
    """The same name where left out."""
    by: tuple[str, ...] = ()
    """The same names where left out."""


class Total(Part):
    """An aggregate of a column, whole or by group, equals that of another source."""

    aggregate: Literal["sum", "count", "mean", "min", "max"] = "sum"
    column: str | None = None
    """What is aggregated; `count` without a column counts rows."""
    by: tuple[str, ...] = ()
    equals: TotalOf
    tolerance: float | None = Field(default=None, ge=0)
    """How far the two may be apart, relative to the larger; floats 1e-9, others 0 if left out."""

    @model_validator(mode="after")
    def _has_a_column(self) -> Self:
        if self.column is None and self.aggregate != "count":
            raise ValueError(f"`{self.aggregate}` needs a `column`; only `count` does without")
        if self.equals.by and len(self.equals.by) != len(self.by):
            raise ValueError("both sides of a total group by the same number of columns")
        return self


class RuleSet(Part):
    """Everything that must hold of one data set."""

    source: Source
    key: tuple[str, ...] = ()
    """The business key that names a row in findings; its number where left out."""
    mask: tuple[str, ...] = ()
    """Columns whose values never leave: a digest stands for each, in rows and messages."""
    columns: dict[str, Column] = Field(default_factory=dict)
    closed: bool = False
    """Whether columns that are not declared are a finding."""
    rows: tuple[Comparison, ...] = ()
    unique: tuple[Columns, ...] = ()
    """Keys of several columns that occur once; keys with a null part may repeat."""
    count: Count | None = None
    fresh: Freshness | None = None
    references: tuple[Reference, ...] = ()
    """Keys of these rows that another source has."""
    covers: tuple[Reference, ...] = ()
    """Keys of another source that these rows have: `to` names the other's columns."""
    totals: tuple[Total, ...] = ()
    shown: int = Field(default=20, ge=1, le=1000)
    """How many failing rows a finding names."""
    kept: int = Field(default=10_000, ge=0, le=100_000)
    """How many failing rows the artifact holds, of all rules together."""
    memory_mib: int = Field(default=256, ge=64, le=65536)
    """About how much memory the rows being looked at may take, of all workers together."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source that a rule names; the one that the rules are about is the first."""
        others = [rule.source for rule in (*self.references, *self.covers)]
        return (self.source, *others, *(total.equals.source for total in self.totals))
