"""Artifacts on their way from the platform."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.client.connection import Connection
from harness.domain.attempt import ArtifactRef
from harness.errors import Corrupt, HarnessError


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The artifacts of a project, by digest."""

    connection: Connection
    path: str

    def save(self, ref: ArtifactRef, file: Path) -> None:
        """Write the bytes to a file, which is either complete and verified or not there.

        Raises:
            NotFound: the project has no such bytes.
            Corrupt: what came does not have the digest.
        """
        pauses = self.connection.pauses(self.connection.patience.transfer_seconds)
        file.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                return self._save(ref, file)
            except HarnessError as error:
                pauses.wait(error)

    def _save(self, ref: ArtifactRef, file: Path) -> None:
        handle, name = tempfile.mkstemp(prefix=".ath-", dir=file.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:
                found = hashlib.sha256()
                with self.connection.open(f"{self.path}/{ref.digest}") as response:
                    for chunk in response.iter_bytes():
                        found.update(chunk)
                        target.write(chunk)
            if found.hexdigest() != ref.digest:
                raise Corrupt(f"{ref.name} came with the digest {found.hexdigest()}.")
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
