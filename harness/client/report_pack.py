"""Reports and the files that they name, as one tar file."""

import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

from harness.client.archive import LEFT_OUT
from harness.domain.report_archive import ReportArchive, sheltered
from harness.domain.reports import told_attachments
from harness.errors import InvalidInput, NotFound, TooLarge

NOTES = 20


@dataclass(frozen=True, slots=True)
class Pack:
    """What was written."""

    name: str
    """For people."""
    size: int
    notes: tuple[str, ...]
    """What was left out, as sentences."""


@dataclass(slots=True)
class _Packing:
    tar: tarfile.TarFile
    max_bytes: int
    size: int = 0
    names: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, path: Path) -> None:
        """Write one file under a name, once."""
        if name in self.names:
            return
        self.names.add(name)
        try:
            with path.open("rb") as content:
                self._write(name, content)
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error}. Make it readable.") from error

    def leave_out(self, path: str, why: str) -> None:
        """Tell of a file that may be missed."""
        if len(self.notes) < NOTES:
            self.notes.append(f"{path} {why}; it was left out.")

    def _write(self, name: str, content: BinaryIO) -> None:
        member = tarfile.TarInfo(name)
        member.size = os.fstat(content.fileno()).st_size
        self.size += member.size + 2 * tarfile.BLOCKSIZE
        if self.size > self.max_bytes:
            raise TooLarge(
                f"The reports and what they name have more than {self.max_bytes >> 20} MiB. "
                "Import fewer at once, or a folder with nothing else in it."
            )
        self.tar.addfile(member, content)


def pack(paths: Sequence[Path], file: IO[bytes], max_bytes: int) -> Pack:
    """Write what is to be imported; the file's place is at its end then.

    Of a folder everything is taken, hidden files and links that leave it excepted. Of a report
    alone, the attachments that it names, where they lie in its folder or the current one.

    Raises:
        NotFound: there is no such file or folder.
        InvalidInput: something cannot be read, or a report is damaged.
        TooLarge: there is more than `max_bytes`.
    """
    with tarfile.open(mode="w", fileobj=file, format=tarfile.GNU_FORMAT) as tar:
        packing = _Packing(tar, max_bytes)
        for number, path in enumerate(paths):
            prefix = f"{number}/" if len(paths) > 1 else ""
            if path.is_dir():
                _add_folder(packing, path, prefix)
            elif path.is_file():
                _add_report(packing, path, prefix)
            else:
                raise NotFound(f"There is no report {path}. Name a file or a folder.")
    name = " ".join(path.name or str(path) for path in paths)
    return Pack(name[:200], file.tell(), tuple(packing.notes))


def _add_folder(packing: _Packing, folder: Path, prefix: str) -> None:
    root = folder.resolve()
    for path in _files(root):
        name = path.relative_to(root).as_posix()
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            packing.leave_out(name, f"is a link out of {folder}")
        elif path.is_file():
            packing.add(prefix + name, path)


def _files(root: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in LEFT_OUT and not f.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def _add_report(packing: _Packing, report: Path, prefix: str) -> None:
    packing.add(prefix + report.name, report)
    with report.open("rb") as content:
        named = told_attachments(ReportArchive(content, str(report)))
    for path in named:
        found = _confined(report.parent, path)
        if found:
            packing.add(sheltered(path), found)
        else:
            packing.leave_out(path, f"is named by {report.name} but not in its folder")


def _confined(folder: Path, path: str) -> Path | None:
    """The file that a report names, unless it is hidden or lies elsewhere."""
    for base in (folder.resolve(), Path.cwd().resolve()):
        found = Path(base, path).resolve()
        if found.is_relative_to(base) and found.is_file():
            hidden = any(part.startswith(".") for part in found.relative_to(base).parts)
            return None if hidden else found
    return None
