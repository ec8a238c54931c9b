"""Files that a test left behind, taken in as the work of somebody who may wish us ill."""

import mimetypes
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import BinaryIO

from harness.domain.attempt import ArtifactRef
from harness.domain.redaction import Redactor
from harness.domain.scope import Scope
from harness.errors import HarnessError
from harness.ports.artifacts import ArtifactStore

NAME_CHARACTERS = 200


@dataclass(slots=True)
class LeftFiles:
    """The files of one attempt: those that are kept, and why others are not."""

    artifacts: ArtifactStore
    scope: Scope
    max_bytes: int
    """Of one file."""
    redactor: Redactor = field(default_factory=Redactor)
    """Of the names of files; their content is cleaned by the store."""
    notes: list[str] = field(default_factory=list)

    def keep(self, files: Sequence[str], prefix: str) -> list[ArtifactRef]:
        """Store what can be stored; nothing that a test leaves stops the run."""
        return [ref for path in files for ref in self._kept(path, prefix)]

    def _kept(self, path: str, prefix: str) -> Iterator[ArtifactRef]:
        name = self.redactor.text(PurePath(path).name)[-NAME_CHARACTERS:]
        try:
            with _opened(path) as content:
                size = os.fstat(content.fileno()).st_size
                if size > self.max_bytes:
                    raise OSError(f"it has {size >> 20} MiB, {self.max_bytes >> 20} are allowed")
                digest, size = self.artifacts.put(self.scope, content, max_bytes=self.max_bytes)
        except (OSError, ValueError, HarnessError) as error:
            self.notes.append(f"{name} was not kept: {_why(error)}.")
            return
        media, _ = mimetypes.guess_type(name)
        yield ArtifactRef(f"{prefix}/{name}", digest, size, media or "application/octet-stream")


def _opened(path: str) -> BinaryIO:
    # Not through a link, which leads anywhere, and without waiting for a pipe's other end.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    raise OSError("it is no regular file")


def _why(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error).rstrip(".")
