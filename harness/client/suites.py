"""Suites on their way to the platform."""

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from harness.client.archive import write_archive
from harness.client.connection import Connection
from harness.client.decode import decode
from harness.domain.git_reference import GitReference
from harness.domain.suite import SuiteVersion
from harness.errors import InvalidInput, NotFound
from harness.ports.sources import Fetched

DEFAULT_MAX_BYTES = 512 * 1024 * 1024
_CHUNK = 256 * 1024
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A suite that is there."""

    suite: SuiteVersion
    size: int
    """Of the archive, in bytes."""
    was_there: bool
    """Whether the platform had these very bytes, so that none were sent."""
    notes: tuple[str, ...]
    """What was left out although somebody may miss it, as sentences."""


@dataclass(frozen=True, slots=True)
class Suites:
    """The suites of a project."""

    connection: Connection
    path: str
    sources: str

    def upload(
        self, folder: Path, *, cwd: str = ".", max_bytes: int = DEFAULT_MAX_BYTES
    ) -> Uploaded:
        """Bring a folder to the platform, unless it is there; see `write_archive`.

        Raises:
            InvalidInput: the folder cannot be read or has no name.
            TooLarge: it has more than `max_bytes`.
            HarnessError: what the API answered.
        """
        name = folder.resolve().name
        if not name:
            raise InvalidInput(f"{folder} cannot be a suite. Name a folder below it.")
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            archive = write_archive(folder, file, max_bytes)
            was_there = self._has(archive.digest)
            if not was_there:
                self._send(archive.digest, archive.size, file)
        suite = SuiteVersion(archive.digest, name, cwd)
        return Uploaded(suite, archive.size, was_there, archive.notes)

    def fetch(self, reference: GitReference, secret: str | None = None) -> Fetched:
        """Let the platform fetch a suite from a git repository; see `SourceFetcher.fetch`.

        Raises:
            InvalidInput: the repository is not there, or has no such ref or folder.
            NotFound: there is no such secret.
        """
        body = {**asdict(reference), "secret": secret}
        seconds = self.connection.patience.transfer_seconds
        answer = self.connection.call(
            "POST", self.sources, json=body, seconds=seconds, quiet_seconds=seconds
        )
        return decode(Fetched, answer.json())

    def _has(self, digest: str) -> bool:
        try:
            self.connection.call("HEAD", f"{self.path}/{digest}")
        except NotFound:
            return False
        return True

    def _send(self, digest: str, size: int, file: IO[bytes]) -> None:
        def body() -> Iterator[bytes]:
            file.seek(0)
            while chunk := file.read(_CHUNK):
                yield chunk

        self.connection.call(
            "PUT",
            f"{self.path}/{digest}",
            body=body,
            headers={"Content-Length": str(size), "Content-Type": "application/x-tar"},
            seconds=self.connection.patience.transfer_seconds,
        )
