"""Folders in which suites are unpacked; a suite comes back to a place that knows it."""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from actors.workers.bytecode import bytecode_below, keep_bytecode, lay_bytecode
from harness.domain.scope import Scope
from harness.domain.work import Grant

BYTECODE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Circle:
    """Runs that may use each other's bytecode: whoever writes it decides what the next one does.

    So they are one principal's, get the same secrets, and either all judge releases or none does.
    """

    scope: Scope
    folder: str
    """The suite's own, by which its versions are known."""
    submitted_by: str
    secrets: tuple[str, ...]
    judges: bool
    """Whether they are about releases."""

    @classmethod
    def of(cls, grant: Grant) -> "Circle":
        """The circle of a granted run."""
        request = grant.run.request
        secrets = tuple(sorted(request.secrets))
        judges = request.release is not None
        folder = request.suite.folder
        return cls(grant.run.scope, folder, grant.submitted_by, secrets, judges)

    @property
    def key(self) -> str:
        """Names it in paths."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]


@dataclass(slots=True)
class SuitePlaces:
    """Places below one folder, each taken by one run at a time.

    The bytecode that Python and pytest compiled in a place is kept for the next run of its circle.
    The path is the same too, because it is part of the bytecode.
    """

    folder: Path
    bytecode_bytes: int = BYTECODE_BYTES
    """Of all circles together; those used longest ago go first."""
    _taken: set[Path] = field(default_factory=set)

    def take(self, circle: Circle) -> Path:
        """A path that nothing exists at and nobody else uses until `leave`."""
        number = 0
        while (place := self.folder / f"{circle.key}.{number}") in self._taken or place.exists():
            number += 1
        self._taken.add(place)
        return place

    def furnish(self, place: Path, circle: Circle) -> None:
        """Put kept bytecode beside those sources in `place` that it was compiled from."""
        kept = self._kept(place)
        lay_bytecode(kept, place / circle.folder)
        if kept.exists():
            os.utime(kept)

    def leave(self, place: Path, circle: Circle) -> None:
        """Remove everything at `place`, but for the bytecode."""
        try:
            keep_bytecode(place / circle.folder, self._kept(place), self.bytecode_bytes)
        finally:
            shutil.rmtree(place, ignore_errors=True)
            self._taken.discard(place)
            self._drop_old()

    def _kept(self, place: Path) -> Path:
        return self.folder / "bytecode" / place.name

    def _drop_old(self) -> None:
        folder = self.folder / "bytecode"
        kept = sorted(folder.iterdir(), key=_used) if folder.is_dir() else []
        left = self.bytecode_bytes
        for circle in reversed(kept):
            left -= sum(path.stat().st_size for path in bytecode_below(circle))
            if left < 0:
                shutil.rmtree(circle, ignore_errors=True)


def _used(folder: Path) -> float:
    return folder.stat().st_mtime
