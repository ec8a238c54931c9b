"""What one run may keep, all of its artifacts together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from harness.domain.ids import Digest
from harness.domain.scope import Scope
from harness.errors import TooLarge
from harness.ports.artifacts import ArtifactStore

MIB = 1 << 20


@dataclass(slots=True)
class RunArtifacts:
    """An artifact store that takes no more than is left of a run's bound; for many threads."""

    store: ArtifactStore
    most: int
    """Bytes that the run may keep."""
    used: int = 0
    """Bytes that it has kept, hosts before this one included."""
    left_out: int = 0
    """Artifacts for which nothing was left."""
    _order: Lock = field(default_factory=Lock)

    def put(self, scope: Scope, content: BinaryIO, *, max_bytes: int) -> tuple[Digest, int]:
        """See `ArtifactStore.put`.

        Raises:
            TooLarge: there are more than `max_bytes`, or more than is left for the run.
        """
        # Two at once could both take what is left.
        with self._order:
            left = max(0, self.most - self.used)
            try:
                digest, size = self.store.put(scope, content, max_bytes=min(max_bytes, left))
            except TooLarge as error:
                if max_bytes <= left:
                    raise
                self.left_out += 1
                raise TooLarge(
                    f"the artifacts of a run may have {self.most // MIB} MiB together, of which "
                    f"{left // MIB} MiB are left"
                ) from error
            self.used += size
            return digest, size

    def has(self, scope: Scope, digest: Digest) -> bool:
        """See `ArtifactStore.has`."""
        return self.store.has(scope, digest)

    def read(self, scope: Scope, digest: Digest) -> Iterator[bytes]:
        """See `ArtifactStore.read`."""
        return self.store.read(scope, digest)

    def path(self, scope: Scope, digest: Digest) -> Path:
        """See `ArtifactStore.path`."""
        return self.store.path(scope, digest)
