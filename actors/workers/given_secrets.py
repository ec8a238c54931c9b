"""The secrets of one run while its host executes it: in memory, and nowhere else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from actors.workers.reporter import persistently
from harness.domain.ids import Digest
from harness.domain.redaction import Redactor
from harness.domain.scope import Scope
from harness.domain.work import Grant
from harness.ports.artifacts import ArtifactStore
from harness.ports.dispatch import Dispatch


@dataclass(frozen=True, slots=True)
class GivenSecrets:
    """Values for the suite's processes, and what keeps them out of all that is recorded."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    redactor: Redactor = field(default_factory=Redactor, repr=False)

    @classmethod
    async def fetch(cls, grant: Grant, dispatch: Dispatch) -> "GivenSecrets":
        """The secrets that the run names.

        Raises:
            NotFound: one was deleted since the run was submitted.
        """
        if not grant.run.request.secrets:
            return cls()
        scope, lease_id = grant.run.scope, grant.lease.id
        values = await persistently(lambda: dispatch.secrets(scope, lease_id))
        return cls(values, Redactor.of(values))


@dataclass(frozen=True, slots=True)
class CleanArtifacts:
    """An artifact store that text gets into without values of a run's secrets."""

    store: ArtifactStore
    redactor: Redactor = field(repr=False)

    def put(self, scope: Scope, content: BinaryIO, *, max_bytes: int) -> tuple[Digest, int]:
        """See `ArtifactStore.put`; binary content stays as it is."""
        return self.store.put(scope, self.redactor.stream(content), max_bytes=max_bytes)

    def has(self, scope: Scope, digest: Digest) -> bool:
        """See `ArtifactStore.has`."""
        return self.store.has(scope, digest)

    def read(self, scope: Scope, digest: Digest) -> Iterator[bytes]:
        """See `ArtifactStore.read`."""
        return self.store.read(scope, digest)

    def path(self, scope: Scope, digest: Digest) -> Path:
        """See `ArtifactStore.path`."""
        return self.store.path(scope, digest)
