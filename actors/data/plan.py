"""A rule set turned into scans of its sources, and judgements for when they are done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from actors.data.checks import Check, Compared
from actors.data.coercion import coerced
from actors.data.columns import (
    column_checks,
    missing_column,
    schema_findings,
    type_name,
)
from actors.data.hashing import family
from actors.data.judgements import (
    Counted,
    EachRow,
    Found,
    Fresh,
    Judgement,
    Known,
    Reconciled,
    Unique,
)
from actors.data.keys import KeySet
from actors.data.pandera_schema import PanderaSchema
from actors.data.reading import OpenSource
from actors.data.rules import Reference, RuleSet, Source, Total, TypeName
from actors.data.totals import Grouping, check_summable
from harness.errors import InvalidInput


@dataclass(slots=True)
class Wanted:
    """What the scan of one source is to look at."""

    opened: OpenSource
    key: tuple[str, ...] = ()
    columns: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    keys: list[KeySet] = field(default_factory=list)
    groupings: list[Grouping] = field(default_factory=list)

    def read(self, columns: Sequence[str]) -> None:
        """Reads these columns, too."""
        self.columns += [name for name in columns if name not in self.columns]

    def spool(self, keys: KeySet) -> KeySet:
        """Spools these keys, too."""
        self.read(keys.columns)
        if keys not in self.keys:
            self.keys.append(keys)
        return keys

    def sum(self, grouping: Grouping) -> Grouping:
        """Sums these groups, too."""
        self.read(grouping.columns)
        if grouping not in self.groupings:
            self.groupings.append(grouping)
        return grouping


@dataclass(slots=True)
class Plan:
    """Collects what the rules ask of each source."""

    rules: RuleSet
    open: Callable[[Source, Mapping[str, TypeName]], OpenSource]
    now: Callable[[], datetime]
    schema: PanderaSchema | None = None
    wanted: dict[Source, Wanted] = field(default_factory=dict)
    judgements: list[Judgement] = field(default_factory=list)
    masked: set[str] = field(default_factory=set)

    def make(self) -> "Plan":
        """Opens every source and turns every rule into a judgement.

        Raises:
            HarnessError: a source cannot be opened, or a rule makes no sense for it.
        """
        rules = self.rules
        self.masked |= set(rules.mask)
        declared = {name: column.type for name, column in rules.columns.items() if column.type}
        main = self._main(self._open_main(declared))
        if self.schema:
            self._schema(main, self.schema)
        self._columns(main)
        for place, columns in enumerate(rules.unique):
            self.unique(f"unique.{place}", columns)
        if rules.count:
            self.judgements.append(Counted(rules.source, rules.count))
        self._fresh(main)
        for place, reference in enumerate(rules.references):
            self._reference(main, f"references.{place}", reference)
        for place, reference in enumerate(rules.covers):
            self._cover(main, f"covers.{place}", reference)
        for place, total in enumerate(rules.totals):
            self._total(main, f"totals.{place}", total)
        return self

    @property
    def main(self) -> Wanted:
        """What is asked of the source that the rules are about."""
        return self.wanted[self.rules.source]

    def check(self, check: Check) -> None:
        """Judges each row."""
        if self._has(self.main, check.rule, check.columns):
            self.main.read(check.columns)
            self.main.checks.append(check)
            self.judgements.append(EachRow(self.rules.source, check))

    def unique(self, rule: str, columns: Sequence[str], *, nulls_equal: bool = False) -> None:
        """Judges that keys occur once."""
        if self._has(self.main, rule, columns):
            keys = self.main.spool(KeySet(tuple(columns), nulls_equal))
            self.judgements.append(Unique(self.rules.source, rule, keys))

    def _open_main(self, declared: Mapping[str, TypeName]) -> OpenSource:
        if self.schema is None:
            return self.open(self.rules.source, declared)
        opened = self.open(self.rules.source, {**self.schema.declared(), **declared})
        return coerced(opened, self.schema.coerced(opened.types))

    def _schema(self, main: Wanted, schema: PanderaSchema) -> None:
        types = main.opened.types
        self.judgements += [Known(found) for found in schema.findings(main.opened.name, types)]
        for check in schema.checks(types):
            self.check(check)
        for rule, columns in schema.unique(types):
            self.unique(rule, columns, nulls_equal=True)

    def _main(self, opened: OpenSource) -> Wanted:
        main = Wanted(opened, self.rules.key)
        self.wanted[self.rules.source] = main
        for what, names in (("key", self.rules.key), ("mask", self.rules.mask)):
            for name in names:
                if name not in opened.types:
                    raise InvalidInput(
                        f"`{what}` names the column {name}, which {opened.name} does not have"
                    )
        main.read(self.rules.key)
        return main

    def _columns(self, main: Wanted) -> None:
        opened, declared = main.opened, self.rules.columns
        findings = schema_findings(opened.name, declared, opened.types, closed=self.rules.closed)
        self.judgements += [Known(finding) for finding in findings]
        for name, column in declared.items():
            if name in opened.types:
                for check in column_checks(name, column, opened.types[name]):
                    self.check(check)
                if column.unique:
                    self.unique(f"columns.{name}.unique", (name,))
        for place, row in enumerate(self.rules.rows):
            rule = f"rows.{place}"
            if self._has(main, rule, (row.left, row.right)):
                _comparable(rule, (row.left, row.right), main.opened.types)
                self.check(Compared(rule, row.left, row.operator, row.right))

    def _fresh(self, main: Wanted) -> None:
        rule = self.rules.fresh
        if rule and self._has(main, "fresh", (rule.column,)):
            kind = main.opened.types[rule.column]
            if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
                raise InvalidInput(f"fresh: {rule.column} is {kind}, and not a time or a date")
            grouping = main.sum(Grouping(rule.column))
            self.judgements.append(Fresh(self.rules.source, grouping, rule.within, self.now))

    def _reference(self, main: Wanted, rule: str, reference: Reference) -> None:
        pair = self._pair(main, rule, reference)
        if pair:
            ours, theirs, other = pair
            what = " and ".join(reference.columns)
            fault = f"rows of {main.opened.name} whose {what} is not in {other.opened.name}"
            expected = f"a row of {other.opened.name}"
            self.judgements.append(
                Found(self.rules.source, rule, ours, reference.source, theirs, fault, expected)
            )

    def _cover(self, main: Wanted, rule: str, reference: Reference) -> None:
        pair = self._pair(main, rule, reference)
        if pair:
            ours, theirs, other = pair
            other.key = other.key or theirs.columns
            fault = f"rows missing in {main.opened.name}"
            expected = f"every row of {other.opened.name}"
            self.judgements.append(
                Found(reference.source, rule, theirs, self.rules.source, ours, fault, expected)
            )

    def _pair(
        self, main: Wanted, rule: str, reference: Reference
    ) -> tuple[KeySet, KeySet, Wanted] | None:
        if not self._has(main, rule, reference.columns):
            return None
        other = self._other(reference.source, main, reference.theirs, reference.columns)
        if not self._has(other, rule, reference.theirs):
            return None
        for mine, its in zip(reference.columns, reference.theirs, strict=True):
            _same_family(rule, mine, main.opened, its, other.opened)
        ours, theirs = KeySet(reference.columns), KeySet(reference.theirs)
        return main.spool(ours), other.spool(theirs), other

    def _total(self, main: Wanted, rule: str, total: Total) -> None:
        their_by = total.equals.by or total.by
        theirs = Grouping(total.equals.column or total.column, their_by)
        ours = Grouping(total.column, total.by)
        if not self._has(main, rule, ours.columns):
            return
        other = self._other(total.equals.source, main, theirs.columns, ours.columns)
        if not self._has(other, rule, theirs.columns):
            return
        for wanted, grouping in ((main, ours), (other, theirs)):
            if grouping.column is not None:
                what = f"{rule}: {grouping.column} of {wanted.opened.name}"
                check_summable(wanted.opened.types[grouping.column], what, total.aggregate)
        self.judgements.append(
            Reconciled(self.rules.source, rule, total, main.sum(ours), other.sum(theirs))
        )

    def _other(
        self, source: Source, main: Wanted, theirs: Sequence[str], ours: Sequence[str]
    ) -> Wanted:
        """Another source, its texts read as the columns are that they are compared with."""
        pairs = list(zip(theirs, ours, strict=True))
        self.masked |= {its for its, mine in pairs if mine in self.masked}
        if source not in self.wanted:
            types = {its: type_name(main.opened.types[mine]) for its, mine in pairs}
            known = {its: kind for its, kind in types.items() if kind is not None}
            self.wanted[source] = Wanted(self.open(source, known))
        return self.wanted[source]

    def _has(self, wanted: Wanted, rule: str, columns: Sequence[str]) -> bool:
        """Whether the source has the columns; if not, that is the rule's finding."""
        opened = wanted.opened
        lacking = [name for name in columns if name not in opened.types]
        if lacking:
            finding = missing_column(rule, opened.name, lacking[0], opened.types)
            self.judgements.append(Known(finding))
        for name in columns:
            kind = opened.types.get(name)
            if kind is not None and pa.types.is_nested(kind):
                raise InvalidInput(f"{rule}: {name} of {opened.name} is {kind}, not a plain value")
        return not lacking


def _comparable(rule: str, columns: tuple[str, str], types: Mapping[str, pa.DataType]) -> None:
    one, other = (types[name] for name in columns)
    zones = {kind.tz is None for kind in (one, other) if pa.types.is_timestamp(kind)}
    if family(one).split()[0] != family(other).split()[0] and not _numbers(one, other):
        raise InvalidInput(f"{rule}: {columns[0]} is {one}, and {columns[1]} is {other}")
    if len(zones) == 2:
        raise InvalidInput(f"{rule}: only one of {columns[0]} and {columns[1]} has a time zone")


def _numbers(*kinds: pa.DataType) -> bool:
    return all(type_name(kind) in ("integer", "number") for kind in kinds)


def _same_family(rule: str, mine: str, main: OpenSource, its: str, other: OpenSource) -> None:
    one, two = main.types[mine], other.types[its]
    if family(one) != family(two):
        raise InvalidInput(
            f"{rule}: {mine} of {main.name} is {one}, and {its} of {other.name} is {two}: they "
            "can never be equal; declare the column's `type`, or store both alike"
        )
