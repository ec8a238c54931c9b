"""The files of a sandbox's workspace, reached from its host without entering it."""

import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import IO

from actors.sandbox.beneath import acting_as, open_beneath, refused
from harness.domain.sandbox import WORKSPACE, FileEntry
from harness.errors import InvalidInput, TooLarge

MOST_READ_BYTES = 64 << 20
MOST_ENTRIES = 100_000
COPY_BYTES = 1 << 20


class SandboxFiles:
    """Paths are relative to the workspace, or absolute within it.

    Every operation is as slow as the file is large; run it in a thread. Whatever processes in the
    sandbox do meanwhile, nothing outside its workspace is read or written.
    """

    def __init__(self, workspace: int, owner: int | None) -> None:
        """Take over a descriptor of the workspace; its files belong to `owner`."""
        self._root = workspace
        self._owner = owner

    def read(self, path: str, most_bytes: int = MOST_READ_BYTES) -> bytes:
        """What a file holds.

        Raises:
            TooLarge: that is more than `most_bytes`.
        """
        with self.opened(path, os.O_RDONLY) as handle, os.fdopen(os.dup(handle), "rb") as file:
            data = file.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise TooLarge(f"{path!r} in the sandbox is larger than {most_bytes} bytes.")
        return data

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Make or replace a file; its folder has to be there."""
        self.copy_in(path, io.BytesIO(data), mode)

    def copy_in(self, path: str, source: IO[bytes], mode: int = 0o644) -> None:
        """The same from something that is read to its end."""
        flags = os.O_WRONLY | os.O_CREAT
        with self.opened(path, flags, mode & 0o777) as handle, self._told(path):
            os.ftruncate(handle, 0)
            while data := source.read(COPY_BYTES):
                view = memoryview(data)
                while view:
                    view = view[os.write(handle, view) :]

    def entries(self, path: str = ".") -> Sequence[FileEntry]:
        """What is in a folder, by name.

        Raises:
            TooLarge: it holds more names than anybody wants to read.
        """
        found: list[FileEntry] = []
        with self._folder(path) as folder, self._told(path), os.scandir(folder) as entries:
            for entry in islice(entries, MOST_ENTRIES + 1):
                with suppress(FileNotFoundError):
                    found.append(_entry(entry.name, entry.stat(follow_symlinks=False)))
        if len(found) > MOST_ENTRIES:
            raise TooLarge(f"{path!r} in the sandbox has over {MOST_ENTRIES} entries.")
        return sorted(found, key=lambda one: one.name)

    def stat(self, path: str) -> FileEntry:
        """What is there, a link itself if it is one."""
        with self._parent(path) as (folder, name), self._told(path):
            return _entry(name, os.stat(name, dir_fd=folder, follow_symlinks=False))

    def target(self, path: str) -> str:
        """Where a link leads."""
        with self._parent(path) as (folder, name), self._told(path):
            return os.readlink(name, dir_fd=folder)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it, unless they are there."""
        parts = _relative(path).split("/")
        for depth in range(1, len(parts) + 1):
            self._make_one("/".join(parts[:depth]))

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link; where it leads is its reader's business."""
        with self._parent(path) as (folder, name), self._told(path):
            os.symlink(target, name, dir_fd=folder)

    def remove(self, path: str) -> None:
        """Remove a file, a link, or a folder that is empty."""
        with self._parent(path) as (folder, name), self._told(path):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)

    @contextmanager
    def opened(self, path: str, flags: int, mode: int = 0, *, links: bool = True) -> Iterator[int]:
        """A descriptor of a regular file, closed afterwards."""
        with self._acting():
            handle = open_beneath(self._root, _relative(path), flags, mode, links=links)
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise InvalidInput(f"{path!r} in the sandbox is no regular file.")
                yield handle
            finally:
                os.close(handle)

    def close(self) -> None:
        """Let go of the workspace."""
        os.close(self._root)
        self._root = -1

    def _make_one(self, path: str) -> None:
        existing = suppress(FileExistsError)
        with self._parent(path) as (folder, name), self._told(path), existing:
            os.mkdir(name, 0o755, dir_fd=folder)

    @contextmanager
    def _folder(self, path: str) -> Iterator[int]:
        flags = os.O_RDONLY | os.O_DIRECTORY
        with self._acting():
            handle = open_beneath(self._root, _relative(path), flags)
            try:
                yield handle
            finally:
                os.close(handle)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        above, name = os.path.split(_relative(path))
        if name in {"", ".", ".."}:
            raise InvalidInput(f"{path!r} names no entry of the sandbox's workspace.")
        with self._folder(above or ".") as folder:
            yield folder, name

    @contextmanager
    def _acting(self) -> Iterator[None]:
        if self._root < 0:
            raise InvalidInput("The sandbox has ended, and its files with it.")
        with acting_as(self._owner):
            yield

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as trouble:
            raise refused(trouble, path) from trouble


def _relative(path: str) -> str:
    if path == WORKSPACE:
        return "."
    return path.removeprefix(WORKSPACE + "/") or "."


def _entry(name: str, found: os.stat_result) -> FileEntry:
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    kind = kinds.get(stat.S_IFMT(found.st_mode), "other")
    mode = stat.S_IMODE(found.st_mode)
    return FileEntry(name, kind, found.st_size, mode, found.st_mtime_ns)
