"""The folder that a validation may read: no path, glob or link leads out of it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InvalidInput, NotFound, TooLarge

_MOST_FILES = 100_000


@dataclass(frozen=True, slots=True)
class Confinement:
    """Finds files below one folder; what leads out of it is refused, never skipped."""

    root: Path
    folder: Path
    """Where relative paths begin: the root, or below it."""

    def files(self, pattern: str, endings: tuple[str, ...]) -> list[Path]:
        """Files of a path, a glob, or a folder (all in it with one of the endings), sorted.

        Raises:
            InvalidInput: the path, or a link on the way, leads out of the folder.
            NotFound: there is no such file.
            TooLarge: there are more files than a data set may have.
        """
        inner = self.inner(pattern)
        found = sorted(self._found(inner, endings))
        if not found:
            raise NotFound(f"no file matches {pattern!r} in the suite's folder")
        for path in found:
            self._check_place(path, pattern)
        return found

    def inner(self, pattern: str) -> str:
        """The path, which may hold signs of a glob, from the root.

        Raises:
            InvalidInput: it leads out of the root.
        """
        whole = Path(os.path.normpath(self.folder / pattern))
        is_inner = whole.is_relative_to(os.path.normpath(self.root))
        if not pattern or "\0" in pattern or Path(pattern).is_absolute() or not is_inner:
            raise InvalidInput(f"{pattern!r} is no relative path inside the suite's folder")
        return str(whole.relative_to(os.path.normpath(self.root)))

    def _found(self, pattern: str, endings: tuple[str, ...]) -> Iterator[Path]:
        for count, path in enumerate(self._candidates(pattern, endings)):
            if count >= _MOST_FILES:
                raise TooLarge(f"{pattern!r} matches more than {_MOST_FILES} files")
            yield path

    def _candidates(self, pattern: str, endings: tuple[str, ...]) -> Iterator[Path]:
        whole = self.root / pattern
        if whole.is_dir():
            self._check_place(whole, pattern)
            yield from _below(whole, endings)
        elif any(sign in pattern for sign in "*?["):
            yield from (path for path in self.root.glob(pattern) if path.is_file())
        elif whole.is_file():
            yield whole

    def _check_place(self, path: Path, pattern: str) -> None:
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise InvalidInput(f"{pattern!r} leads out of the suite's folder through a link")


def _below(folder: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        for name in names:
            if name.endswith(endings) and not name.startswith((".", "_")):
                yield Path(place) / name
