"""What a test's steps did, as plain values that the platform carries into its results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from actors.specs.failure import StepFailed
from actors.specs.redaction import Redactor
from harness.ports.clock import Clock

MOST = 500
"""Further steps of a test are counted, not kept."""
DETAIL_CHARACTERS = 8 * 1024
NAME_CHARACTERS = 300

Outcome: TypeAlias = Literal["passed", "failed", "skipped"]


@dataclass(slots=True)
class Record:
    """One step while it runs, and after."""

    kind: str
    name: str
    started: float
    outcome: Outcome = "passed"
    seconds: float = 0.0
    is_kept: bool = True
    notes: list[str] = field(default_factory=list)
    steps: list["Record"] = field(default_factory=list)


@dataclass(slots=True)
class Recorder:
    """Collects the steps of one test, nested as they ran."""

    clock: Clock
    redactor: Redactor
    tell: Callable[[dict[str, object]], None] | None = None
    """Hears of begin and end of each step that is kept; for a test whose end nobody sees."""
    steps: list[Record] = field(default_factory=list)
    left_out: int = 0
    _open: list[Record] = field(default_factory=list)
    _begun: float | None = None
    _count: int = 0

    @contextmanager
    def step(self, kind: str, name: str) -> Iterator[Record]:
        """A step that lasts as long as the block; an exception makes it fail."""
        record = self._begin(kind, name)
        self._open.append(record)
        try:
            yield record
        except BaseException as failed:
            record.outcome = "failed"
            record.notes += _told(failed)
            raise
        finally:
            self._open.pop()
            record.seconds = self.clock.monotonic() - self._start() - record.started
            self._tell_end(record)

    def add(
        self, kind: str, name: str, outcome: Outcome, note: str = "", seconds: float = 0.0
    ) -> None:
        """A step that is over, or was not carried out."""
        record = self._begin(kind, name)
        record.outcome, record.seconds = outcome, seconds
        record.notes += [note] if note else []
        self._tell_end(record)

    def plain(self) -> list[dict[str, object]]:
        """Everything, bounded and without secrets."""
        found = [self._plain(record) for record in self.steps]
        if self.left_out:
            found.append({"kind": "step", "name": f"{self.left_out} further steps are not kept"})
        return found

    def _begin(self, kind: str, name: str) -> Record:
        record = Record(kind, name, self.clock.monotonic() - self._start())
        self._count += 1
        if self._count > MOST:
            self.left_out += 1
            record.is_kept = False
        else:
            (self._open[-1].steps if self._open else self.steps).append(record)
        self._tell(record, "begun", "kind", "name", "started")
        return record

    def _tell_end(self, record: Record) -> None:
        self._tell(record, "ended", "outcome", "seconds", "detail")

    def _tell(self, record: Record, what: str, *names: str) -> None:
        if self.tell and record.is_kept:
            said = self._alone(record)
            self.tell({what: {name: said[name] for name in names}})

    def _start(self) -> float:
        if self._begun is None:
            self._begun = self.clock.monotonic()
        return self._begun

    def _plain(self, record: Record) -> dict[str, object]:
        return {**self._alone(record), "steps": [self._plain(each) for each in record.steps]}

    def _alone(self, record: Record) -> dict[str, object]:
        return {
            "kind": record.kind,
            "name": self.redactor.text(record.name)[:NAME_CHARACTERS],
            "outcome": record.outcome,
            "started": record.started,
            "seconds": record.seconds,
            "detail": self.redactor.text("\n".join(record.notes))[:DETAIL_CHARACTERS],
        }


def _told(failed: BaseException) -> list[str]:
    if isinstance(failed, StepFailed):
        return [str(failed), *(f"{name}: {value}" for name, value in failed.details.items())]
    return [f"{type(failed).__name__}: {failed}"]
