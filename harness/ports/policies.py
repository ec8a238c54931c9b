"""Policies and model servers of a tenant, as they are read and kept."""

from collections.abc import Sequence
from typing import Protocol

from harness.domain.model_server import ModelServer
from harness.domain.policy import Policy
from harness.domain.policy_version import PolicyDocument, PolicyVersion


class PolicyReader(Protocol):
    """Reads the form in which people write policies."""

    def __call__(self, text: str) -> Policy:
        """What the text allows.

        Raises:
            InvalidDocument: it is no policy; holds every mistake with its line.
        """
        ...


class PolicyStore(Protocol):
    """The documents of the scope's tenant, over all of its projects; empty names the tenant's."""

    def put(self, document: PolicyDocument) -> None:
        """Add a version.

        Raises:
            Conflict: another has its number.
        """
        ...

    def remove(self, version: PolicyVersion) -> None:
        """Add a version that says the document is gone.

        Raises:
            Conflict: another has its number.
        """
        ...

    def newest(self, agent: str) -> PolicyVersion | None:
        """The last version, also of a removal; None if there never was one."""
        ...

    def get(self, agent: str, number: int | None = None) -> PolicyDocument | None:
        """One version, or the one that holds; None if there is none, or it was removed."""
        ...

    def list(self) -> Sequence[PolicyVersion]:
        """The versions that hold: the tenant's, then those of agents by name."""
        ...

    def versions(self, agent: str) -> Sequence[PolicyVersion]:
        """Newest first, with removals."""
        ...

    def forget(self, agent: str, before: int) -> None:
        """Delete the versions whose number is lower."""
        ...


class ModelServerStore(Protocol):
    """The model servers of the scope's tenant, over all of its projects."""

    def list(self) -> Sequence[ModelServer]:
        """By name."""
        ...

    def put(self, server: ModelServer) -> None:
        """Insert, or replace the one of the same name."""
        ...

    def remove(self, name: str) -> bool:
        """Whether there was one."""
        ...
