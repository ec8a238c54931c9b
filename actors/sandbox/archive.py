"""A workspace as one archive, and back: how sandboxes are forked with their files."""

import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from actors.sandbox.files import SandboxFiles
from harness.domain.sandbox import FileEntry
from harness.errors import Forbidden, InvalidInput, NotFound, TooLarge

MOST_BYTES = 1 << 30
MOST_ENTRIES = 100_000
MOST_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Packed:
    """What went into an archive."""

    entries: int
    bytes: int
    skipped: int
    """Sockets, pipes, and what vanished or closed itself while it was read."""


def pack(files: SandboxFiles, into: IO[bytes], most_bytes: int = MOST_BYTES) -> Packed:
    """Write everything below the workspace as a tar archive.

    Consistent only while nothing in the sandbox writes: pause it first.

    Raises:
        TooLarge: there is more than `most_bytes`, holes counted.
    """
    entries = size = skipped = 0
    with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, entry in _walk(files):
            entries += 1
            size += entry.size if entry.kind == "file" else 0
            if size > most_bytes or entries > MOST_ENTRIES:
                raise TooLarge(
                    f"The workspace has over {most_bytes} bytes or {MOST_ENTRIES} entries."
                )
            skipped += not _add(archive, files, path, entry)
    return Packed(entries - skipped, size, skipped)


def unpack(files: SandboxFiles, source: IO[bytes], most_bytes: int = MOST_BYTES) -> int:
    """Write an archive's folders, files and links into a workspace; says how many.

    Raises:
        InvalidInput: it is no archive, or a member's name leads elsewhere.
        TooLarge: it holds more than `most_bytes`.
    """
    entries = size = 0
    try:
        with tarfile.open(fileobj=source, mode="r:") as archive:
            for member in archive:
                entries += 1
                size += member.size
                if size > most_bytes or entries > MOST_ENTRIES:
                    raise TooLarge(f"The archive holds over {most_bytes} bytes.")
                _restore(archive, files, member)
    except tarfile.TarError as trouble:
        raise InvalidInput(f"That is no archive of a workspace: {trouble}.") from trouble
    return entries


def _walk(files: SandboxFiles) -> Iterator[tuple[str, FileEntry]]:
    """Folders before what is in them; those that are too deep, gone or shut seem empty."""
    waiting = [("", 0)]
    while waiting:
        folder, depth = waiting.pop()
        for entry in _entries(files, folder or "."):
            path = f"{folder}/{entry.name}" if folder else entry.name
            yield path, entry
            if entry.kind == "folder" and depth < MOST_DEPTH:
                waiting.append((path, depth + 1))


def _entries(files: SandboxFiles, folder: str) -> Sequence[FileEntry]:
    try:
        return files.entries(folder)
    except (NotFound, Forbidden, InvalidInput):
        return ()


def _add(archive: tarfile.TarFile, files: SandboxFiles, path: str, entry: FileEntry) -> bool:
    member = tarfile.TarInfo(path)
    member.mode = entry.mode
    member.mtime = entry.modified_ns // 1_000_000_000
    try:
        match entry.kind:
            case "folder":
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            case "link":
                member.type = tarfile.SYMTYPE
                member.linkname = files.target(path)
                archive.addfile(member)
            case "file":
                with files.opened(path, os.O_RDONLY, links=False) as handle:
                    member.size = entry.size
                    archive.addfile(member, _Padded(handle))
            case _:
                return False
    except (NotFound, Forbidden, InvalidInput, TooLarge):
        return False  # it changed meanwhile
    return True


class _Padded(io.RawIOBase):
    """A file that never ends: one that shrank meanwhile goes on with zeros."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def read(self, size: int = -1) -> bytes:
        return os.read(self._handle, size).ljust(size, b"\0")


def _restore(archive: tarfile.TarFile, files: SandboxFiles, member: tarfile.TarInfo) -> None:
    path = member.name
    parts = path.split("/")
    if path.startswith("/") or not path or {"", ".", ".."} & set(parts):
        raise InvalidInput(f"The archive has a member {path[:80]!r}, which leads elsewhere.")
    if member.isdir():
        files.make_folder(path)
    elif member.issym():
        files.link(path, member.linkname)
    elif member.isfile():
        source = archive.extractfile(member)
        files.copy_in(path, source or io.BytesIO(), member.mode)
