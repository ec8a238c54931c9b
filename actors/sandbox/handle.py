"""SandboxHost over its actor's handle."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

import ray
from ray.exceptions import RayActorError, RayTaskError

from actors.detached import NAMESPACE
from actors.sandbox.actor import NAME, start_sandbox_host
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
from harness.domain.sandbox_visit import VISIT_SECONDS, Visit, Visited
from harness.errors import HarnessError, NotFound, Unavailable

CALL_SECONDS = 60.0
AHEAD = 64
"""Pieces of output that may wait for their reader."""
SPARE_SECONDS = 30.0
"""What a command may take beyond its own timeout."""


class SandboxHostHandle:
    """The sandboxes of a node from another process; found anew after a restart, then empty.

    The host's process is begun with the first sandbox: until then it costs nothing.
    """

    def __init__(self, build: Callable[[], SandboxHost] | None = None, name: str = NAME) -> None:
        """Nothing is looked up before the first call.

        Args:
            build: makes the host in its own process; None leaves beginning one to others.
            name: of its actor.
        """
        self._build = build
        self._name = name
        self._actor: Any = None  # Ray's handles are untyped

    async def create(
        self,
        spec: SandboxSpec,
        demands: Mapping[Control, Hold] | None = None,
        snapshot: str | None = None,
        tier: Tier = Tier.NAMESPACE,
        most: int | None = None,
    ) -> SandboxRef:
        """See `SandboxHost.create`."""
        if self._build is not None and self._actor is None:
            await asyncio.to_thread(start_sandbox_host, self._build, self._name)
        made = await self._call("create", spec, demands or {}, snapshot, tier, most)
        return cast("SandboxRef", made)

    async def statuses(self, tenant: str) -> Sequence[SandboxStatus]:
        """See `SandboxHost.statuses`; none while no host was begun."""
        try:
            return cast("Sequence[SandboxStatus]", await self._call("statuses", tenant))
        except NotBegun:
            return []

    async def status(self, ref: SandboxRef) -> SandboxStatus:
        """See `SandboxHost.status`."""
        return cast("SandboxStatus", await self._call("status", ref))

    async def exec(self, ref: SandboxRef, command: Command) -> ExecResult:
        """See `SandboxHost.exec`."""
        seconds = command.timeout_seconds + SPARE_SECONDS
        return cast("ExecResult", await self._call("exec", ref, command, seconds=seconds))

    async def exec_stream(
        self, ref: SandboxRef, command: Command
    ) -> AsyncGenerator[Chunk | ExecResult, None]:
        """See `SandboxHost.exec_stream`."""
        actor = self._found("exec_stream", ref)
        options = {"num_returns": "streaming", "_generator_backpressure_num_objects": AHEAD}
        items = actor.exec_stream.options(**options).remote(ref, command)
        try:
            with _told("exec_stream", self._forget):
                async with asyncio.timeout(command.timeout_seconds + SPARE_SECONDS):
                    async for item in items:
                        yield cast("Chunk | ExecResult", await item)
        finally:
            ray.cancel(items)  # or the command would go on when nobody listens any more

    async def start(self, ref: SandboxRef, command: Command) -> int:
        """See `SandboxHost.start`."""
        return cast("int", await self._call("start", ref, command))

    async def wait(self, ref: SandboxRef, number: int, seconds: float) -> ExecResult | None:
        """See `SandboxHost.wait`."""
        told = await self._call("wait", ref, number, seconds, seconds=seconds + SPARE_SECONDS)
        return cast("ExecResult | None", told)

    async def signal(self, ref: SandboxRef, number: int, signum: int) -> None:
        """See `SandboxHost.signal`."""
        await self._call("signal", ref, number, signum)

    async def end(self, ref: SandboxRef, number: int) -> None:
        """See `SandboxHost.end`."""
        await self._call("end", ref, number)

    async def read(self, ref: SandboxRef, path: str, most_bytes: int = 1 << 20) -> bytes:
        """See `SandboxHost.read`."""
        return cast("bytes", await self._call("read", ref, path, most_bytes))

    async def write(self, ref: SandboxRef, path: str, data: bytes, mode: int = 0o644) -> None:
        """See `SandboxHost.write`."""
        await self._call("write", ref, path, data, mode)

    async def entries(self, ref: SandboxRef, path: str = ".") -> Sequence[FileEntry]:
        """See `SandboxHost.entries`."""
        return cast("Sequence[FileEntry]", await self._call("entries", ref, path))

    async def make_folder(self, ref: SandboxRef, path: str) -> None:
        """See `SandboxHost.make_folder`."""
        await self._call("make_folder", ref, path)

    async def remove(self, ref: SandboxRef, path: str) -> None:
        """See `SandboxHost.remove`."""
        await self._call("remove", ref, path)

    async def snapshot(self, ref: SandboxRef) -> str:
        """See `SandboxHost.snapshot`."""
        return cast("str", await self._call("snapshot", ref))

    async def kept(self, tenant: str) -> Sequence[KeptFiles]:
        """See `SandboxHost.kept`; none while no host was begun."""
        try:
            return cast("Sequence[KeptFiles]", await self._call("kept", tenant))
        except NotBegun:
            return []

    async def drop_snapshot(self, tenant: str, snapshot: str) -> None:
        """See `SandboxHost.drop_snapshot`."""
        with suppress(NotBegun):
            await self._call("drop_snapshot", tenant, snapshot)

    async def pause(self, ref: SandboxRef) -> None:
        """See `SandboxHost.pause`."""
        await self._call("pause", ref)

    async def resume(self, ref: SandboxRef) -> None:
        """See `SandboxHost.resume`."""
        await self._call("resume", ref)

    async def visit(self, ref: SandboxRef, port: int, visit: Visit) -> Visited:
        """See `SandboxHost.visit`."""
        seconds = VISIT_SECONDS + SPARE_SECONDS
        return cast("Visited", await self._call("visit", ref, port, visit, seconds=seconds))

    async def expose(self, ref: SandboxRef, port: int) -> int:
        """See `SandboxHost.expose`."""
        return cast("int", await self._call("expose", ref, port))

    async def open_door(self, ref: SandboxRef, spec: DoorSpec) -> Mapping[str, str]:
        """See `SandboxHost.open_door`."""
        return cast("Mapping[str, str]", await self._call("open_door", ref, spec))

    async def journal(self, ref: SandboxRef, offset: int, most_bytes: int = 1 << 20) -> bytes:
        """See `SandboxHost.journal`."""
        return cast("bytes", await self._call("journal", ref, offset, most_bytes))

    async def spent(self, ref: SandboxRef) -> Mapping[Measure, int]:
        """See `SandboxHost.spent`."""
        return cast("Mapping[Measure, int]", await self._call("spent", ref))

    async def fill(self, ref: SandboxRef, archive: bytes) -> int:
        """See `SandboxHost.fill`."""
        return cast("int", await self._call("fill", ref, archive))

    async def set_timeout(self, ref: SandboxRef, seconds: float) -> None:
        """See `SandboxHost.set_timeout`."""
        await self._call("set_timeout", ref, seconds)

    async def events(self, ref: SandboxRef, after: int = 0) -> Sequence[SandboxEvent]:
        """See `SandboxHost.events`."""
        return cast("Sequence[SandboxEvent]", await self._call("events", ref, after))

    async def kill(self, ref: SandboxRef) -> None:
        """See `SandboxHost.kill`."""
        await self._call("kill", ref)

    async def close(self) -> None:
        """See `SandboxHost.close`."""
        await self._call("close")

    async def _call(self, method: str, *args: object, seconds: float = CALL_SECONDS) -> object:
        actor = self._found(method, *args[:1])
        with _told(method, self._forget):
            async with asyncio.timeout(seconds):
                return await getattr(actor, method).remote(*args)

    def _found(self, method: str, about: object = None) -> Any:
        if self._actor is None:
            try:
                self._actor = ray.get_actor(self._name, namespace=NAMESPACE)
            except ValueError as none:
                if isinstance(about, SandboxRef):
                    raise NotBegun(f"There is no sandbox {about.id}.") from none
                raise NotBegun(f"There are no sandboxes yet: {method}.") from none
        return self._actor

    def _forget(self) -> None:
        self._actor = None


class NotBegun(NotFound):
    """Nobody has had a sandbox on this node yet, so there is no host of any."""


@contextmanager
def _told(method: str, forget: Callable[[], None]) -> Iterator[None]:
    """Ray's errors as the platform's own."""
    try:
        yield
    except RayTaskError as failed:
        if isinstance(failed.cause, HarnessError):
            raise failed.cause from failed
        raise
    except (RayActorError, TimeoutError) as gone:
        forget()
        raise Unavailable(
            f"The host of sandboxes did not answer {method}. It is restarted by Ray; "
            "see `ath doctor`."
        ) from gone
