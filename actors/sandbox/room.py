"""One sandbox with what belongs to it on its host."""

from dataclasses import dataclass, field, replace

from actors.sandbox.doorway import OpenDoor
from actors.sandbox.execution import Execution
from actors.sandbox.exposure import Exposure
from actors.sandbox.sandbox import Sandbox
from harness.domain.sandbox import Command, SandboxStatus
from harness.errors import InvalidInput


@dataclass(slots=True)
class Room:
    """Everything that one sandbox's host has of it."""

    sandbox: Sandbox
    status: SandboxStatus
    started: dict[int, Execution] = field(default_factory=dict)
    exposures: dict[int, Exposure] = field(default_factory=dict)
    door: OpenDoor | None = None

    def ready(self, command: Command) -> Command:
        """The command, which finds the way out.

        Raises:
            InvalidInput: it wants descriptors; they are of this process, so that a caller of
                another cannot mean them.
        """
        if command.fds:
            raise InvalidInput("A command for a host of sandboxes cannot inherit descriptors.")
        if self.door is None:
            return command
        return replace(command, environ={**self.door.environ, **command.environ})

    async def shut(self) -> None:
        """Let nothing in or out any more; what passed can still be read."""
        for exposure in self.exposures.values():
            exposure.close()
        if self.door is not None:
            await self.door.shut()

    async def close(self) -> None:
        """End it with everything in it."""
        await self.sandbox.close()  # first, for others may take their time
        await self.shut()
        if self.door is not None:
            await self.door.close()
