"""Whoever opens the one way out of a sandbox."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from actors.sandbox.sandbox import Sandbox
from harness.domain.account import Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.sandbox import SandboxRef


class JournalReader(Protocol):
    """What passed a door, or wanted to."""

    def read(self, offset: int, most_bytes: int) -> bytes:
        """Lines of JSON from an offset in bytes; empty at the end."""
        ...


class OpenDoor(Protocol):
    """The way out of one sandbox."""

    @property
    def environ(self) -> Mapping[str, str]:
        """By which programs in the sandbox find it."""
        ...

    @property
    def journal(self) -> JournalReader:
        """What passed."""
        ...

    @property
    def spent(self) -> Mapping[Measure, int]:
        """What was used so far."""
        ...

    async def shut(self) -> None:
        """End what is under way."""
        ...

    async def close(self) -> None:
        """The same, and forget the journal."""
        ...


class Doorway(Protocol):
    """Opens doors."""

    async def open(
        self, ref: SandboxRef, sandbox: Sandbox, spec: DoorSpec, journal: Path
    ) -> OpenDoor:
        """Listen inside the sandbox.

        Raises:
            Forbidden: the policy is none for a sandbox.
        """
        ...
