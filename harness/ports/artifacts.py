"""Bytes addressed by their digest."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from harness.domain.ids import Digest
from harness.domain.scope import Scope


class ArtifactStore(Protocol):
    """Keeps bytes per tenant; the same bytes are kept once."""

    def put(self, scope: Scope, content: BinaryIO, *, max_bytes: int) -> tuple[Digest, int]:
        """Store everything `content` yields; gives digest and size.

        Raises:
            TooLarge: there are more than `max_bytes`; nothing is kept.
            StorageFull: the disk is full; nothing is kept.
        """
        ...

    def has(self, scope: Scope, digest: Digest) -> bool:
        """Whether the tenant stored these bytes."""
        ...

    def read(self, scope: Scope, digest: Digest) -> Iterator[bytes]:
        """The bytes in chunks.

        Raises:
            NotFound: the tenant never stored them.
            Corrupt: what lies there no longer has this digest.
        """
        ...

    def path(self, scope: Scope, digest: Digest) -> Path:
        """A local file that holds the bytes, for range requests and unpacking; do not write.

        Raises:
            NotFound: the tenant never stored them.
        """
        ...
