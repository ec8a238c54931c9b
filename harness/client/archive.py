"""A suite's folder as one tar file: the same folder gives the same bytes."""

import hashlib
import os
import stat
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, cast

from harness.domain.ids import Digest
from harness.errors import Conflict, InvalidInput, TooLarge

LEFT_OUT = frozenset(
    {
        ".git",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        "__pycache__",
        "node_modules",
    }
)
"""Folders that no test needs and that are made again where they are."""
MARK_OF_VENV = "pyvenv.cfg"
_TAR_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Archive:
    """What was written."""

    digest: Digest
    size: int
    notes: tuple[str, ...]
    """What was left out although somebody may miss it, as sentences."""


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    path: str
    status: os.stat_result
    link: str = ""


@dataclass(slots=True)
class _Walk:
    """Collects the entries of a folder, sorted by name."""

    root: str
    notes: list[str] = field(default_factory=list)

    def entries(self, folder: str, prefix: str = "") -> Iterator[_Entry]:
        with os.scandir(folder) as found:
            children = sorted(found, key=lambda child: os.fsencode(child.name))
        if prefix and any(child.name == MARK_OF_VENV for child in children):
            return
        for child in children:
            yield from self._entry(child, prefix + child.name)

    def _entry(self, child: os.DirEntry[str], name: str) -> Iterator[_Entry]:
        status = child.stat(follow_symlinks=False)
        if child.is_symlink():
            yield from self._link(child, name, status)
        elif stat.S_ISDIR(status.st_mode):
            if child.name not in LEFT_OUT:
                yield _Entry(name, child.path, status)
                yield from self.entries(child.path, f"{name}/")
        elif stat.S_ISREG(status.st_mode):
            yield _Entry(name, child.path, status)
        else:
            self.notes.append(f"{name} is neither a file nor a folder and was left out.")

    def _link(self, child: os.DirEntry[str], name: str, status: os.stat_result) -> Iterator[_Entry]:
        folder = os.path.dirname(child.path)  # noqa: PTH120 - names may be no valid text
        target = os.path.realpath(child.path)
        if os.path.commonpath([self.root, target]) != self.root:
            self.notes.append(f"{name} is a link to {target}, outside the suite; it was left out.")
            return
        link = os.readlink(child.path)  # noqa: PTH115 - as above
        if os.path.isabs(link):  # noqa: PTH117 - as above
            link = os.path.relpath(target, os.path.realpath(folder))
        yield _Entry(name, child.path, status, link)


class Writable(Protocol):
    """As much of a file as an archive needs."""

    def write(self, content: bytes, /) -> int:
        """Append; gives how many bytes."""
        ...


class _Digesting:
    """A file that is only written, with the digest of what was."""

    def __init__(self, file: Writable) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes, /) -> int:
        self._hash.update(content)
        self.size += len(content)
        return self._file.write(content)

    def digest(self) -> Digest:
        return Digest(self._hash.hexdigest())


def write_archive(folder: Path, file: Writable, max_bytes: int) -> Archive:
    """Write the folder's content as tar; member names are relative to it.

    Modes, modification times (in seconds) and links inside the folder are kept; owners, caches,
    `.git` and virtual environments are not.

    Raises:
        InvalidInput: there is no such folder, or a file in it cannot be read.
        TooLarge: it has more than `max_bytes`; the message names the biggest parts.
        Conflict: a file changed meanwhile.
    """
    root = os.path.realpath(folder)
    walk = _Walk(root)
    try:
        entries = list(walk.entries(root))
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be read: {error}. Name a readable folder.") from error
    _check_size(folder, entries, max_bytes)
    target = _Digesting(file)
    # GNU_FORMAT keeps long names and names that are no valid text, in the fewest bytes.
    with tarfile.open(
        mode="w|",
        fileobj=cast("IO[bytes]", target),  # a tar stream only ever writes
        format=tarfile.GNU_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
    ) as tar:
        for entry in entries:
            _add(tar, entry)
    return Archive(target.digest(), target.size, tuple(walk.notes))


def _check_size(folder: Path, entries: list[_Entry], max_bytes: int) -> None:
    parts: Counter[str] = Counter()
    for entry in entries:
        size = entry.status.st_size if stat.S_ISREG(entry.status.st_mode) else 0
        parts[entry.name.partition("/")[0]] += 2 * _TAR_BLOCK + size
    total = parts.total()
    if total > max_bytes:
        biggest = ", ".join(f"{name} ({size >> 20} MiB)" for name, size in parts.most_common(3))
        raise TooLarge(
            f"{folder} has {total >> 20} MiB, {max_bytes >> 20} MiB are allowed. "
            f"The biggest parts are {biggest}. Move out what the tests do not need."
        )


def _add(tar: tarfile.TarFile, entry: _Entry) -> None:
    member = tarfile.TarInfo(entry.name)
    member.mode = stat.S_IMODE(entry.status.st_mode)
    member.mtime = int(entry.status.st_mtime)
    if entry.link:
        member.type, member.linkname = tarfile.SYMTYPE, entry.link
        tar.addfile(member)
    elif stat.S_ISDIR(entry.status.st_mode):
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    else:
        _add_file(tar, member, entry)


def _add_file(tar: tarfile.TarFile, member: tarfile.TarInfo, entry: _Entry) -> None:
    member.size = entry.status.st_size
    try:
        content = open(entry.path, "rb")  # noqa: PTH123, SIM115 - closed below
    except OSError as error:
        raise InvalidInput(f"{entry.name} cannot be read: {error}. Make it readable.") from error
    with content:
        try:
            tar.addfile(member, content)
        except OSError as error:
            raise Conflict(f"{entry.name} changed while it was read ({error}). Retry.") from error
