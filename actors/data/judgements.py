"""Rules waiting for the rows to be read, and what each makes of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from actors.data.checks import Check
from actors.data.findings import FailingRow, Finding
from actors.data.keys import KeySet
from actors.data.masking import Mask
from actors.data.rules import Count, Source, Total
from actors.data.seen import Failures, Seen
from actors.data.totals import Group, Grouping, Sums

_FLOATS = 1e-9
"""Sums of floats depend on their order, and that on the partitions."""


class Judgement(Protocol):
    """One rule of a plan."""

    def judge(self, seen: Seen) -> tuple[Finding, Failures | None]:
        """The finding, and where its failing rows are kept."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """Judged before a row was read."""

    finding: Finding

    def judge(self, seen: Seen) -> tuple[Finding, Failures | None]:
        """As it was."""
        return self.finding, None


@dataclass(frozen=True, slots=True)
class EachRow:
    """A check of each row."""

    source: Source
    check: Check

    def judge(self, seen: Seen) -> tuple[Finding, Failures | None]:
        """The rows that were kept while reading."""
        rows = seen.of(self.source)
        failures = rows.failures(self.check.rule, self.check.columns)
        fault = self.check.fault.replace("rows", f"rows of {rows.name}", 1)
        finding = _finding(self.check.rule, rows.name, fault, self.check.expected, rows.rows)
        return seen.named(finding, rows.failed(self.check.rule), failures)


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows have one key."""

    source: Source
    rule: str
    keys: KeySet

    def judge(self, seen: Seen) -> tuple[Finding, Failures | None]:
        """All rows of keys that occur more than once."""
        rows = seen.of(self.source)
        what = " and ".join(self.keys.columns)
        fault = f"rows of {rows.name} with a repeated {what}"
        finding = _finding(self.rule, rows.name, fault, "each once", rows.rows)
        failing = seen.repeated(self.source, self.keys)
        return seen.named(*seen.collected(finding, self.source, self.keys, failing))


@dataclass(frozen=True, slots=True)
class Found:
    """Every key of one source is in another."""

    source: Source
    rule: str
    keys: KeySet
    other: Source
    other_keys: KeySet
    fault: str
    expected: str

    def judge(self, seen: Seen) -> tuple[Finding, Failures | None]:
        """The rows of this source whose key the other lacks."""
        rows = seen.of(self.source)
        finding = _finding(self.rule, rows.name, self.fault, self.expected, rows.rows)
        failing = seen.absent(self.source, self.keys, self.other, self.other_keys)
        return seen.named(*seen.collected(finding, self.source, self.keys, failing))


@dataclass(frozen=True, slots=True)
class Counted:
    """There are as many rows as there should be."""

    source: Source
    bounds: Count

    def judge(self, seen: Seen) -> tuple[Finding, Failures | None]:
        """Of the rows that were read, not of what a file says."""
        rows = seen.of(self.source)
        low, high = self.bounds.min, self.bounds.max
        few = low is not None and rows.rows < low
        many = high is not None and rows.rows > high
        words = (("at least", low), ("at most", high))
        said = (f"{word} {bound}" for word, bound in words if bound is not None)
        expected = f"{' and '.join(said)} rows"
        fault = f"{rows.name} has too {'few' if few else 'many'} rows"
        finding = _finding("count", rows.name, fault, expected, rows.rows)
        return replace(finding, observed=f"{rows.rows} rows", met=not (few or many)), None


@dataclass(frozen=True, slots=True)
class Fresh:
    """The newest time is young enough."""

    source: Source
    grouping: Grouping
    within: timedelta
    now: Callable[[], datetime]

    def judge(self, seen: Seen) -> tuple[Finding, Failures | None]:
        """No time at all is not fresh."""
        rows = seen.of(self.source)
        newest = _moment(rows.sums(self.grouping).get((), Sums()).most)
        oldest = self.now().astimezone(UTC) - self.within
        met = newest is not None and newest >= oldest
        column = str(self.grouping.column)
        said = None if newest is None else newest.isoformat(sep=" ", timespec="seconds")
        return Finding(
            "fresh",
            rows.name,
            f"the newest {column} of {rows.name} is too old",
            f"none before {oldest.isoformat(sep=' ', timespec='seconds')}",
            seen.mask.value(column, said) or "no time",
            checked=rows.rows,
            met=met,
        ), None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """An aggregate equals that of another source, whole or in each group."""

    source: Source
    rule: str
    total: Total
    grouping: Grouping
    other_grouping: Grouping

    def judge(self, seen: Seen) -> tuple[Finding, Failures | None]:
        """Every group of either side; a group that one side lacks is apart."""
        rows, other = seen.of(self.source), seen.of(self.total.equals.source)
        ours, theirs = rows.sums(self.grouping), other.sums(self.other_grouping)
        apart = list(self._apart(ours, theirs))
        subject = f"{self.total.aggregate} of {self.total.column or 'rows'}"
        finding = _finding(self.rule, rows.name, "", f"that of {other.name}", rows.rows)
        if not self.grouping.by:
            return self._whole(finding, subject, other.name, apart, seen.mask), None
        fault = f"groups by {' and '.join(self.grouping.by)} of {rows.name} whose {subject} is not "
        named = [self._row(place, *group, seen.mask) for place, group in enumerate(apart, 1)]
        return replace(
            finding,
            fault=f"{fault}that of {other.name}",
            failed=len(apart),
            met=not apart,
            rows=named[: seen.shown],
            observed="; ".join(_sides(row) for row in named[:3]),
        ), None

    def _whole(
        self,
        finding: Finding,
        subject: str,
        other: str,
        apart: Sequence[tuple[Group, Any, Any]],  # Any: values of any column
        mask: Mask,
    ) -> Finding:
        fault = f"the {subject} of {finding.source} is not that of {other}"
        finding = replace(finding, fault=fault, met=not apart)
        if not apart:
            return finding
        row = self._row(1, *apart[0], mask)
        return replace(
            finding, expected=str(row.values["expected"]), observed=str(row.values["observed"])
        )

    def _apart(
        self, ours: Mapping[Group, Sums], theirs: Mapping[Group, Sums]
    ) -> Iterator[tuple[Group, Any, Any]]:  # Any: values of any column
        groups = {*ours, *theirs} if self.grouping.by else {()}
        for group in sorted(groups, key=lambda key: [(part is None, str(part)) for part in key]):
            observed = ours.get(group, Sums()).value(self.total.aggregate)
            expected = theirs.get(group, Sums()).value(self.total.aggregate)
            one_sided = bool(self.grouping.by) and (group in ours) != (group in theirs)
            if one_sided or not _agree(observed, expected, self.total.tolerance):
                yield (
                    group,
                    observed if group in ours or not self.grouping.by else "no row",
                    expected if group in theirs or not self.grouping.by else "no row",
                )

    def _row(
        self, place: int, group: Group, observed: Any, expected: Any, mask: Mask
    ) -> FailingRow:
        parts = [
            mask.value(name, None if part is None else str(part)) or "null"
            for name, part in zip(self.grouping.by, group, strict=True)
        ]
        column = self.total.column or ""
        hidden = "" if self.total.aggregate == "count" else column
        sides = {
            "observed": mask.value(hidden, _said(observed)),
            "expected": mask.value(hidden, _said(expected)),
        }
        return FailingRow(" ".join(parts), place, sides)


def _finding(rule: str, source: str, fault: str, expected: str, checked: int) -> Finding:
    return Finding(rule, source, fault, expected, checked=checked)


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None


def _agree(one: Any, other: Any, tolerance: float | None) -> bool:  # Any: values of any column
    if one is None or other is None or isinstance(one, str | date | bool):
        return bool(one == other)
    if tolerance is None:
        tolerance = _FLOATS if isinstance(one, float) or isinstance(other, float) else 0
    one, other = Decimal(str(one)), Decimal(str(other))
    return bool(abs(one - other) <= max(abs(one), abs(other)) * Decimal(str(tolerance)))


def _sides(row: FailingRow) -> str:
    return f"{row.key}: {row.values['observed']} and not {row.values['expected']}"


def _said(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else "none" if value is None else str(value)
