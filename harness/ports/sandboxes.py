"""The sandboxes of a node, as those ask for them who do not run there."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from harness.domain.account import Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.sandbox import (
    Chunk,
    Command,
    ExecResult,
    FileEntry,
    KeptFiles,
    SandboxEvent,
    SandboxRef,
    SandboxSpec,
    SandboxStatus,
)
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.domain.sandbox_visit import Visit, Visited


class SandboxNode(Protocol):
    """Every call may raise Unavailable while the host restarts; its sandboxes are lost then.

    A reference that its tenant does not have raises NotFound, and so does one of a sandbox that
    has ended, except where another answer is promised.
    """

    async def create(
        self,
        spec: SandboxSpec,
        demands: Mapping[Control, Hold] | None = None,
        snapshot: str | None = None,
        tier: Tier = Tier.NAMESPACE,
        most: int | None = None,
    ) -> SandboxRef:
        """A sandbox of a tier, begun with a snapshot's files if one is named.

        Raises:
            TierUnavailable: the machine does not hold what is demanded.
            QuotaExceeded: the node is full, or the tenant has `most` already.
        """
        ...

    async def statuses(self, tenant: str) -> Sequence[SandboxStatus]:
        """The tenant's sandboxes that live, oldest first."""
        ...

    async def status(self, ref: SandboxRef) -> SandboxStatus:
        """How it stands; also for a while after its end."""
        ...

    async def exec(self, ref: SandboxRef, command: Command) -> ExecResult:
        """Run a command to its end; a timeout is a result."""
        ...

    def exec_stream(
        self, ref: SandboxRef, command: Command
    ) -> AsyncGenerator[Chunk | ExecResult, None]:
        """Its output as it comes, and its result last; closing the iterator ends the command."""
        ...

    async def start(self, ref: SandboxRef, command: Command) -> int:
        """Start a command beside others; its number is for `wait`, `signal` and `end`."""
        ...

    async def wait(self, ref: SandboxRef, number: int, seconds: float) -> ExecResult | None:
        """How a started command ended, told once; None when it runs after that long."""
        ...

    async def signal(self, ref: SandboxRef, number: int, signum: int) -> None:
        """Signal a started command's process group."""
        ...

    async def end(self, ref: SandboxRef, number: int) -> None:
        """Kill a started command with all that it started."""
        ...

    async def read(self, ref: SandboxRef, path: str, most_bytes: int = 1 << 20) -> bytes:
        """What a file of the workspace holds; TooLarge when that is more."""
        ...

    async def write(self, ref: SandboxRef, path: str, data: bytes, mode: int = 0o644) -> None:
        """Make or replace a file."""
        ...

    async def entries(self, ref: SandboxRef, path: str = ".") -> Sequence[FileEntry]:
        """What is in a folder."""
        ...

    async def make_folder(self, ref: SandboxRef, path: str) -> None:
        """Make a folder and those above it."""
        ...

    async def remove(self, ref: SandboxRef, path: str) -> None:
        """Remove a file, a link or an empty folder."""
        ...

    async def snapshot(self, ref: SandboxRef) -> str:
        """Keep its files as they are now; the name is for `create` and `drop_snapshot`."""
        ...

    async def kept(self, tenant: str) -> Sequence[KeptFiles]:
        """The tenant's snapshots, oldest first."""
        ...

    async def drop_snapshot(self, tenant: str, snapshot: str) -> None:
        """Keep it no longer, if it was kept."""
        ...

    async def pause(self, ref: SandboxRef) -> None:
        """Stop everything in it; deadlines go on."""
        ...

    async def resume(self, ref: SandboxRef) -> None:
        """Let it go on."""
        ...

    async def visit(self, ref: SandboxRef, port: int, visit: Visit) -> Visited:
        """Ask an HTTP server inside.

        Raises:
            Unavailable: nobody listens there, or it did not answer in time or in HTTP.
            TooLarge: its answer is larger than allowed.
        """
        ...

    async def expose(self, ref: SandboxRef, port: int) -> int:
        """The port of the node's loopback that leads to that port of the sandbox."""
        ...

    async def open_door(self, ref: SandboxRef, spec: DoorSpec) -> Mapping[str, str]:
        """Open its one way out; gives the variables by which its commands find that.

        Raises:
            Conflict: it has one.
            Unavailable: there are none on this node.
            Forbidden: the policy is none for a sandbox.
        """
        ...

    async def journal(self, ref: SandboxRef, offset: int, most_bytes: int = 1 << 20) -> bytes:
        """Lines of JSON about what passed its way out, from an offset in bytes."""
        ...

    async def spent(self, ref: SandboxRef) -> Mapping[Measure, int]:
        """What was used through its way out so far."""
        ...

    async def set_timeout(self, ref: SandboxRef, seconds: float) -> None:
        """End it that long from now."""
        ...

    async def events(self, ref: SandboxRef, after: int = 0) -> Sequence[SandboxEvent]:
        """What happened to it; also for a while after its end."""
        ...

    async def kill(self, ref: SandboxRef) -> None:
        """End it with everything in it, if it did not end by itself."""
        ...
