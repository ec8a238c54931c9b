"""Artifacts as files of one folder, by tenant and digest."""

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from harness.disk import refused, sync_folder
from harness.domain.ids import Digest
from harness.domain.scope import Scope
from harness.errors import Corrupt, InvalidInput, NotFound, TooLarge

_CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileArtifacts:
    """Serves any number of threads and processes.

    A file appears under its digest only when all of it is on the disk. What a killed process left
    half written is removed when the folder is opened again.
    """

    def __init__(self, folder: Path) -> None:
        """The folder is made if it is missing."""
        self._folder = folder
        self._name = f"The artifact folder {folder}"
        self._partial = folder / ".partial"
        with refused(self._name):
            self._partial.mkdir(parents=True, exist_ok=True)
            for left in self._partial.iterdir():
                _remove_if_orphan(left)

    def put(self, scope: Scope, content: BinaryIO, *, max_bytes: int) -> tuple[Digest, int]:
        """Store everything `content` yields; gives digest and size.

        Bytes that are there already are written anew, which repairs a damaged file.
        """
        with refused(self._name):
            partial, file = _open_locked(self._partial)
        try:
            with file:
                digest, size = self._fill(file, content, max_bytes)
                with refused(self._name):
                    self._place(partial, self._place_of(scope, digest))
        finally:
            partial.unlink(missing_ok=True)
        return digest, size

    def has(self, scope: Scope, digest: Digest) -> bool:
        """Whether the tenant stored these bytes."""
        return self._place_of(scope, digest).is_file()

    def read(self, scope: Scope, digest: Digest) -> Iterator[bytes]:
        """The bytes in chunks; the last comes only when all of them have this digest."""
        return _verified(self.path(scope, digest), digest)

    def path(self, scope: Scope, digest: Digest) -> Path:
        """A local file that holds the bytes; do not write."""
        path = self._place_of(scope, digest)
        if not path.is_file():
            raise NotFound(f"Tenant {scope.tenant} has no artifact {digest}. Upload it first.")
        return path

    def _fill(self, file: BinaryIO, content: BinaryIO, max_bytes: int) -> tuple[Digest, int]:
        digest, size = hashlib.sha256(), 0
        while chunk := content.read(_CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise TooLarge(f"The content exceeds {max_bytes} bytes. Send less.")
            digest.update(chunk)
            with refused(self._name):
                file.write(chunk)
        with refused(self._name):
            file.flush()
            os.fsync(file.fileno())
        return Digest(digest.hexdigest()), size

    def _place(self, partial: Path, place: Path) -> None:
        partial.chmod(0o440)
        for folder in (place.parent.parent, place.parent):
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                sync_folder(folder.parent)
        partial.replace(place)
        sync_folder(place.parent)

    def _place_of(self, scope: Scope, digest: Digest) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise InvalidInput(
                f"{digest!r} is no digest. Use the SHA-256 as 64 lower-case hexadecimal digits."
            )
        return self._folder / scope.tenant / digest[:2] / digest


def _open_locked(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file whose lock says that somebody still writes it."""
    while True:
        descriptor, name = tempfile.mkstemp(dir=folder)
        file = os.fdopen(descriptor, "wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return Path(name), file
        # Another process opened the store between these two lines and took it for an orphan.
        file.close()


def _remove_if_orphan(partial: Path) -> None:
    try:
        with partial.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        return  # somebody writes it, or has just finished


def _verified(path: Path, digest: Digest) -> Iterator[bytes]:
    found, held = hashlib.sha256(), b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if held:
                yield held
            found.update(chunk)
            held = chunk
    if found.hexdigest() != digest:
        raise Corrupt(f"{path} does not hold the bytes of its digest. Upload the artifact again.")
    if held:
        yield held
