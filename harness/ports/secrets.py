"""Where the values of secrets are kept."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from harness.domain.scope import Scope
from harness.domain.secret import Secret


class SecretStore(Protocol):
    """Secrets by scope and name; a value leaves it only for a host that executes a run."""

    def put(self, scope: Scope, name: str, value: str, by: str) -> None:
        """Insert or replace.

        Raises:
            StorageFull: the disk is full; nothing was changed.
        """
        ...

    def names(self, scope: Scope) -> Sequence[Secret]:
        """What there is in the scope, by name."""
        ...

    def values(self, scope: Scope, names: Collection[str]) -> Mapping[str, str]:
        """The values of these secrets.

        Raises:
            NotFound: one of them is not in the scope; names it.
            Corrupt: one was stored under another key, or was changed or moved since.
        """
        ...

    def delete(self, scope: Scope, name: str) -> None:
        """Forget it.

        Raises:
            NotFound: there is no such secret in the scope.
        """
        ...
