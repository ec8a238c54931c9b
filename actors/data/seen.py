"""What the scans of all sources brought back, as judgements ask for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import accumulate, islice
from pathlib import Path

from actors.data.failing_rows import first_rows
from actors.data.findings import FailingRow, Finding
from actors.data.keys import FailingKeys, KeySet, Piece, absent, bucket_count, repeated
from actors.data.masking import Mask
from actors.data.reading import OpenSource
from actors.data.rules import Source
from actors.data.scan import Scan, Scanned, collect
from actors.data.scheduling import Tasks
from actors.data.totals import Group, Grouping, Sums, merge


@dataclass(frozen=True, slots=True)
class Failures:
    """Where the first failing rows of a rule are kept."""

    files: Sequence[tuple[Path, int]]
    """In the order of the source, each with how many rows precede it."""
    stored: tuple[str, ...]
    """The columns in the files."""
    columns: tuple[str, ...]
    """Those that the rule is about."""
    key: tuple[str, ...]
    """Those that name a row; its number does where empty."""

    def rows(self, most: int, mask: Mask) -> Iterator[FailingRow]:
        """The first rows, masked, with all stored columns."""
        for number, texts in first_rows(self.files, self.stored, most):
            shown = {name: mask.value(name, text) for name, text in texts.items()}
            parts = ["null" if shown[name] is None else str(shown[name]) for name in self.key]
            yield FailingRow(" ".join(parts) if parts else f"row {number}", number, shown)


@dataclass(frozen=True)
class SourceRows:
    """One source after its scan."""

    opened: OpenSource
    scan: Scan
    scanned: Sequence[Scanned]

    @property
    def name(self) -> str:
        """As messages call it."""
        return self.opened.name

    @cached_property
    def rows(self) -> int:
        """How many there are."""
        return sum(part.rows for part in self.scanned)

    @cached_property
    def before(self) -> Sequence[int]:
        """How many rows precede each partition."""
        return list(accumulate((part.rows for part in self.scanned), initial=0))

    def failed(self, rule: str) -> int:
        """How many rows fail a check."""
        return sum(part.failed.get(rule, 0) for part in self.scanned)

    def failures(self, rule: str, columns: tuple[str, ...]) -> Failures:
        """The first rows that fail a check."""
        files = {
            number: part.files[rule]
            for number, part in enumerate(self.scanned)
            if rule in part.files
        }
        return self.kept(files, self.scan.columns, columns)

    def kept(
        self, files: Mapping[int, Path], stored: tuple[str, ...], columns: tuple[str, ...]
    ) -> Failures:
        """Files by partition as failures of a rule about some columns."""
        ordered = [(path, self.before[number]) for number, path in sorted(files.items())]
        return Failures(ordered, stored, columns, self.scan.key)

    def pieces(self, keys: KeySet) -> Sequence[Piece]:
        """The spooled keys."""
        return [piece for part in self.scanned for piece in part.pieces.get(keys, [])]

    def sums(self, grouping: Grouping) -> Mapping[Group, Sums]:
        """The groups of all rows."""
        merged: dict[Group, Sums] = {}
        for part in self.scanned:
            merge(merged, part.sums.get(grouping, {}))
        return merged


@dataclass(slots=True)
class Seen:
    """All sources after their scans."""

    sources: Mapping[Source, SourceRows]
    mask: Mask
    shown: int
    kept: int
    bucket_bytes: int
    scratch: Path
    tasks: Tasks
    _calls: int = field(default=0, init=False)

    def of(self, source: Source) -> SourceRows:
        """One of them."""
        return self.sources[source]

    def repeated(self, source: Source, keys: KeySet) -> Sequence[FailingKeys]:
        """Keys that more than one row has."""
        pieces = self.of(source).pieces(keys)
        folder, buckets = self._folder("repeated"), bucket_count(pieces, self.bucket_bytes)
        found = self.tasks.results(
            [partial(repeated, pieces, number, buckets, folder) for number in range(buckets)]
        )
        return [failing for bucket in found for failing in bucket]

    def absent(
        self, source: Source, keys: KeySet, other: Source, other_keys: KeySet
    ) -> Sequence[FailingKeys]:
        """Keys that no row of the other source has."""
        pieces, others = self.of(source).pieces(keys), self.of(other).pieces(other_keys)
        folder = self._folder("absent")
        buckets = bucket_count([*pieces, *others], self.bucket_bytes)
        found = self.tasks.results(
            [partial(absent, pieces, others, number, buckets, folder) for number in range(buckets)]
        )
        return [failing for bucket in found for failing in bucket]

    def collected(
        self, finding: Finding, source: Source, keys: KeySet, failing: Sequence[FailingKeys]
    ) -> tuple[Finding, int, Failures]:
        """The first rows that have failing keys, read again."""
        rows = self.of(source)
        first = self._first(failing)
        place = self._next()
        files = collect(rows.scan, place, keys, first, rows.opened.partitions, self.tasks)
        total = sum(found.rows for found in failing)
        return finding, total, rows.kept(files, rows.scan.naming(keys), keys.columns)

    def named(
        self, finding: Finding, failed: int, failures: Failures
    ) -> tuple[Finding, Failures | None]:
        """The finding with its first failing rows."""
        if not failed:
            return finding, None
        whole = list(failures.rows(self.shown, self.mask))
        about = (*failures.key, *(name for name in failures.columns if name not in failures.key))
        rows = [replace(row, values={name: row.values[name] for name in about}) for row in whole]
        observed = _observed(rows, [name for name in about if name not in failures.key])
        return replace(finding, failed=failed, met=False, rows=rows, observed=observed), failures

    def _first(self, failing: Sequence[FailingKeys]) -> Sequence[FailingKeys]:
        """Of the partitions that surely hold the first rows that are wanted."""
        by_partition: dict[int, list[FailingKeys]] = {}
        for found in failing:
            by_partition.setdefault(found.piece.partition, []).append(found)
        chosen: list[FailingKeys] = []
        for _, found_there in sorted(by_partition.items()):
            if sum(found.rows for found in chosen) >= max(self.shown, self.kept):
                break
            chosen += found_there
        return chosen

    def _folder(self, what: str) -> Path:
        folder = self.scratch / f"{what}-{self._next()}"
        folder.mkdir()
        return folder

    def _next(self) -> int:
        self._calls += 1
        return self._calls


def _observed(rows: Sequence[FailingRow], columns: Sequence[str]) -> str:
    """What the first rows hold: `price -1, -3`, or `low 3 high 2; low 5 high 1`."""
    if len(columns) == 1:
        values = dict.fromkeys(str(row.values[columns[0]]) for row in rows)
        return f"{columns[0]} {', '.join(islice(values, 5))}" if set(values) != {"None"} else ""
    each = (" ".join(f"{name} {row.values[name]}" for name in columns) for row in rows)
    return "; ".join(islice(dict.fromkeys(each), 3)) if columns else ""
