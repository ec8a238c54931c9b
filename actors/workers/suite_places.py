"""Folders in which suites are unpacked; a suite version comes back to a place that knows it."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.domain.scope import Scope
from harness.domain.suite import SuiteVersion

BYTECODE_BYTES = 256 << 20


@dataclass(slots=True)
class SuitePlaces:
    """Places below one folder, each taken by one run at a time.

    The bytecode that Python and pytest compiled in a place is kept for the next run of the very
    same suite version in the same project, and of nothing else: whoever can change bytecode could
    have changed that version's source as well. The path is the same too, because it is part of
    the bytecode.
    """

    folder: Path
    bytecode_bytes: int = BYTECODE_BYTES
    """Of all versions together; those used longest ago go first."""
    _taken: set[Path] = field(default_factory=set)

    def take(self, scope: Scope, suite: SuiteVersion) -> Path:
        """A path that nothing exists at and nobody else uses until `leave`."""
        name = "/".join((scope.tenant, scope.project, suite.digest, suite.folder))
        key = hashlib.sha256(name.encode()).hexdigest()[:12]
        number = 0
        while (place := self.folder / f"{key}.{number}") in self._taken or place.exists():
            number += 1
        self._taken.add(place)
        return place

    def furnish(self, place: Path, suite: SuiteVersion) -> None:
        """Put kept bytecode beside the sources that were unpacked into `place`."""
        kept = self._kept(place)
        for path in _bytecode(kept):
            into = place / suite.folder / path.relative_to(kept).parent
            if into.parent.is_dir() and not into.parent.is_symlink():
                into.mkdir(exist_ok=True)
                shutil.copy2(path, into / path.name)
        if kept.exists():
            os.utime(kept)

    def leave(self, place: Path, suite: SuiteVersion) -> None:
        """Remove everything at `place`, but for the bytecode."""
        kept, root = self._kept(place), place / suite.folder
        left = self.bytecode_bytes
        try:
            for path in _bytecode(root):
                left -= path.lstat().st_size
                if left < 0:
                    break
                into = kept / path.relative_to(root)
                into.parent.mkdir(parents=True, exist_ok=True)
                path.replace(into)
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
        for version in reversed(kept):
            left -= sum(path.stat().st_size for path in _bytecode(version))
            if left < 0:
                shutil.rmtree(version, ignore_errors=True)


def _used(folder: Path) -> float:
    return folder.stat().st_mtime


def _bytecode(folder: Path) -> Iterator[Path]:
    """Compiled files that are just files; links are never followed."""
    for parent, _, names in os.walk(folder):
        here = Path(parent)
        if here.name == "__pycache__":
            found = [here / name for name in names if name.endswith(".pyc")]
            yield from (path for path in found if path.is_file() and not path.is_symlink())
