"""What can be done with a sandbox, whichever tier it is of."""

import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from actors.sandbox.execution import Execution
from actors.sandbox.files import SandboxFiles
from harness.domain.sandbox import Chunk, Command, ExecResult, Reason, SandboxEvent


class Sandbox(Protocol):
    """An isolated environment of one owner.

    Whatever is asked of one that has ended raises Unavailable.
    """

    @property
    def files(self) -> SandboxFiles:
        """What is in its workspace."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether nothing can run in it any more."""
        ...

    @property
    def reason(self) -> Reason | None:
        """Why it was ended, if it was."""
        ...

    async def exec(self, command: Command) -> ExecResult:
        """Run a command to its end; a timeout is a result, and the sandbox stays usable."""
        ...

    def exec_stream(self, command: Command) -> AsyncGenerator[Chunk | ExecResult, None]:
        """Its output as it comes, and its result last."""
        ...

    def start(self, command: Command, *, stream: bool = False) -> Execution:
        """Start a command that runs beside others."""
        ...

    async def pause(self) -> None:
        """Stop everything in it; deadlines go on."""
        ...

    async def resume(self) -> None:
        """Let it go on."""
        ...

    async def listen(self, ports: Sequence[int]) -> Sequence[socket.socket]:
        """Sockets that listen on its own loopback, for somebody outside to accept on."""
        ...

    async def connect(self, port: int) -> socket.socket:
        """A connection to a server in it."""
        ...

    def set_timeout(self, seconds: float) -> None:
        """End it that long from now."""
        ...

    def events(self, after: int = 0) -> Sequence[SandboxEvent]:
        """What happened, as far as it is remembered."""
        ...

    def note(self, kind: str, facts: Mapping[str, object]) -> None:
        """Remember something that its host knows of it."""
        ...

    def kill(self, reason: Reason = Reason.KILLED) -> None:
        """End it with everything in it."""
        ...

    async def wait(self) -> Reason:
        """Why it ended."""
        ...

    async def close(self) -> None:
        """Kill it and give everything back."""
        ...
