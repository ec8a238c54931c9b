"""The host of a node's sandboxes as a detached Ray actor."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

from actors.detached import start_once
from actors.sandbox.host import SandboxHost
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

NAME = "sandbox-host"
MOST_CALLS = 1024
"""At once; of one tenant far fewer, see `SandboxHost`."""


class SandboxHostActor:
    """Transport around `SandboxHost`; when its process ends, every sandbox ends with it."""

    def __init__(self, build: Callable[[], SandboxHost]) -> None:
        """Build the host in this process."""
        self._host = build()

    async def create(
        self,
        spec: SandboxSpec,
        demands: Mapping[Control, Hold],
        snapshot: str | None,
        tier: Tier,
        most: int | None,
    ) -> SandboxRef:
        """See `SandboxHost.create`."""
        return await self._host.create(spec, demands, snapshot, tier, most)

    async def statuses(self, tenant: str) -> Sequence[SandboxStatus]:
        """See `SandboxHost.statuses`."""
        return await self._host.statuses(tenant)

    async def status(self, ref: SandboxRef) -> SandboxStatus:
        """See `SandboxHost.status`."""
        return await self._host.status(ref)

    async def exec(self, ref: SandboxRef, command: Command) -> ExecResult:
        """See `SandboxHost.exec`."""
        return await self._host.exec(ref, command)

    async def exec_stream(
        self, ref: SandboxRef, command: Command
    ) -> AsyncGenerator[Chunk | ExecResult, None]:
        """See `SandboxHost.exec_stream`."""
        items = self._host.exec_stream(ref, command)
        async with aclosing(items):
            async for item in items:
                yield item

    async def start(self, ref: SandboxRef, command: Command) -> int:
        """See `SandboxHost.start`."""
        return await self._host.start(ref, command)

    async def wait(self, ref: SandboxRef, number: int, seconds: float) -> ExecResult | None:
        """See `SandboxHost.wait`."""
        return await self._host.wait(ref, number, seconds)

    async def signal(self, ref: SandboxRef, number: int, signum: int) -> None:
        """See `SandboxHost.signal`."""
        await self._host.signal(ref, number, signum)

    async def end(self, ref: SandboxRef, number: int) -> None:
        """See `SandboxHost.end`."""
        await self._host.end(ref, number)

    async def read(self, ref: SandboxRef, path: str, most_bytes: int) -> bytes:
        """See `SandboxHost.read`."""
        return await self._host.read(ref, path, most_bytes)

    async def write(self, ref: SandboxRef, path: str, data: bytes, mode: int) -> None:
        """See `SandboxHost.write`."""
        await self._host.write(ref, path, data, mode)

    async def entries(self, ref: SandboxRef, path: str) -> Sequence[FileEntry]:
        """See `SandboxHost.entries`."""
        return await self._host.entries(ref, path)

    async def make_folder(self, ref: SandboxRef, path: str) -> None:
        """See `SandboxHost.make_folder`."""
        await self._host.make_folder(ref, path)

    async def remove(self, ref: SandboxRef, path: str) -> None:
        """See `SandboxHost.remove`."""
        await self._host.remove(ref, path)

    async def snapshot(self, ref: SandboxRef) -> str:
        """See `SandboxHost.snapshot`."""
        return await self._host.snapshot(ref)

    async def kept(self, tenant: str) -> Sequence[KeptFiles]:
        """See `SandboxHost.kept`."""
        return await self._host.kept(tenant)

    async def drop_snapshot(self, tenant: str, snapshot: str) -> None:
        """See `SandboxHost.drop_snapshot`."""
        await self._host.drop_snapshot(tenant, snapshot)

    async def pause(self, ref: SandboxRef) -> None:
        """See `SandboxHost.pause`."""
        await self._host.pause(ref)

    async def resume(self, ref: SandboxRef) -> None:
        """See `SandboxHost.resume`."""
        await self._host.resume(ref)

    async def visit(self, ref: SandboxRef, port: int, visit: Visit) -> Visited:
        """See `SandboxHost.visit`."""
        return await self._host.visit(ref, port, visit)

    async def expose(self, ref: SandboxRef, port: int) -> int:
        """See `SandboxHost.expose`."""
        return await self._host.expose(ref, port)

    async def open_door(self, ref: SandboxRef, spec: DoorSpec) -> Mapping[str, str]:
        """See `SandboxHost.open_door`."""
        return await self._host.open_door(ref, spec)

    async def journal(self, ref: SandboxRef, offset: int, most_bytes: int) -> bytes:
        """See `SandboxHost.journal`."""
        return await self._host.journal(ref, offset, most_bytes)

    async def spent(self, ref: SandboxRef) -> Mapping[Measure, int]:
        """See `SandboxHost.spent`."""
        return await self._host.spent(ref)

    async def fill(self, ref: SandboxRef, archive: bytes) -> int:
        """See `SandboxHost.fill`."""
        return await self._host.fill(ref, archive)

    async def set_timeout(self, ref: SandboxRef, seconds: float) -> None:
        """See `SandboxHost.set_timeout`."""
        await self._host.set_timeout(ref, seconds)

    async def events(self, ref: SandboxRef, after: int) -> Sequence[SandboxEvent]:
        """See `SandboxHost.events`."""
        return await self._host.events(ref, after)

    async def kill(self, ref: SandboxRef) -> None:
        """See `SandboxHost.kill`."""
        await self._host.kill(ref)

    async def close(self) -> None:
        """See `SandboxHost.close`."""
        await self._host.close()


def start_sandbox_host(build: Callable[[], SandboxHost], name: str = NAME) -> None:
    """Create the host of this node unless it is there."""
    start_once(SandboxHostActor, build, name, max_concurrency=MOST_CALLS)
