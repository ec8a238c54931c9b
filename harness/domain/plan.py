"""Which tests go to which worker next: units of one file, longest first, in shrinking batches."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.domain.ids import TestId
from harness.domain.suite import TestCase

UNKNOWN_SECONDS = 0.05
"""Expected duration of a test that was never measured."""
BATCHES_PER_WORKER = 3
"""A batch is at most this share of what remains per worker, so that workers end together."""
MIN_BATCH_SECONDS = 0.2
"""Below this the hand-over costs more than the balance gains."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Tests that stay together and in order: one file, one serial group, or a slice of a file."""

    indexes: tuple[int, ...]
    seconds: float


class Plan:
    """The waiting tests of one run.

    Files stay whole as long as that balances, because tests of one file may share fixtures and
    expect their order. With one worker the order of collection is kept.
    """

    def __init__(
        self, cases: Sequence[TestCase], seconds: Mapping[TestId, float], workers: int
    ) -> None:
        """Plan all `cases` for so many workers; `seconds` are measured durations."""
        self._cases = {case.index: case for case in cases}
        self._seconds = {c.index: seconds.get(c.id, UNKNOWN_SECONDS) for c in cases}
        self._workers = max(1, workers)
        self._units: deque[Unit] = deque()
        self.put(self._cases)

    def __len__(self) -> int:
        """How many tests wait."""
        return sum(len(unit.indexes) for unit in self._units)

    @property
    def seconds(self) -> float:
        """How long the waiting tests will take one worker."""
        return sum(unit.seconds for unit in self._units)

    def put(self, indexes: Collection[int]) -> None:
        """These tests wait too (again)."""
        waiting = {i for unit in self._units for i in unit.indexes} | set(indexes)
        units = self._slices(self._grouped(sorted(waiting)))
        if self._workers > 1:
            units = sorted(units, key=lambda unit: -unit.seconds)
        self._units = deque(units)

    def take(self) -> Sequence[int]:
        """The next batch, its longest file first; empty when none waits.

        Tests of a file are in the order of collection, and so are all with one worker.
        """
        if not self._units:
            return ()
        remaining = sum(unit.seconds for unit in self._units)
        target = max(MIN_BATCH_SECONDS, remaining / (self._workers * BATCHES_PER_WORKER))
        self._split_first(target)
        batch = [self._units.popleft()]
        taken = batch[0].seconds
        while self._units and taken + self._units[0].seconds <= target:
            batch.append(self._units.popleft())
            taken += batch[-1].seconds
        if self._workers == 1:
            return sorted(index for unit in batch for index in unit.indexes)
        return self._in_order([*batch, *self._companion(batch[-1], target)])

    def _companion(self, last: Unit, most: float) -> Sequence[Unit]:
        """The shortest unit, if it is short, to follow a batch that ends with a long test.

        A worker must know the test after the one that it runs, and nobody can take that one from
        it any more.
        """
        seconds = self._seconds[last.indexes[-1]]
        if not self._units or self._units[-1].seconds > most:
            return ()
        if seconds <= max(MIN_BATCH_SECONDS, self._units[-1].seconds):
            return ()
        return (self._units.pop(),)

    def _in_order(self, batch: Sequence[Unit]) -> Sequence[int]:
        groups: dict[str, list[int]] = {}
        for unit in batch:
            groups.setdefault(self._group(unit.indexes[0]), []).extend(unit.indexes)
        return [index for group in groups.values() for index in sorted(group)]

    def _split_first(self, target: float) -> None:
        """A file whose rest would keep one worker busy when the others are done is cut here."""
        first, *rest = self._sliced(self._units.popleft(), target, target)
        if rest:
            self._units = deque(sorted([*rest, *self._units], key=lambda unit: -unit.seconds))
        self._units.appendleft(first)

    def drop(self) -> Sequence[int]:
        """Nothing waits any more; gives what did."""
        left = sorted(index for unit in self._units for index in unit.indexes)
        self._units.clear()
        return left

    def _grouped(self, indexes: Iterable[int]) -> list[Unit]:
        groups: dict[str, list[int]] = {}
        for index in indexes:
            groups.setdefault(self._group(index), []).append(index)
        return [self._unit(group) for group in groups.values()]

    def _group(self, index: int) -> str:
        case = self._cases[index]
        return case.serial_group or f"file:{case.file}"

    def _slices(self, units: Sequence[Unit]) -> list[Unit]:
        share = sum(unit.seconds for unit in units) / self._workers
        limit = max(MIN_BATCH_SECONDS, share / BATCHES_PER_WORKER)
        return [part for unit in units for part in self._sliced(unit, share, limit)]

    def _sliced(self, unit: Unit, share: float, limit: float) -> list[Unit]:
        serial = self._cases[unit.indexes[0]].serial_group is not None
        if self._workers == 1 or serial or unit.seconds <= share:
            return [unit]
        parts: list[list[int]] = [[]]
        spent = 0.0
        for index in unit.indexes:
            if parts[-1] and spent + self._seconds[index] > limit:
                parts.append([])
                spent = 0.0
            parts[-1].append(index)
            spent += self._seconds[index]
        return [self._unit(part) for part in parts]

    def _unit(self, indexes: Sequence[int]) -> Unit:
        return Unit(tuple(indexes), sum(self._seconds[index] for index in indexes))
