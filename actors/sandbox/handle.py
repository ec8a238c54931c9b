"""SandboxHost over its actor's handle."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import ray
from ray.exceptions import RayActorError, RayTaskError

from actors.detached import NAMESPACE
from actors.sandbox.actor import NAME
from harness.domain.account import Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.sandbox import (
    Chunk,
    Command,
    ExecResult,
    FileEntry,
    SandboxEvent,
    SandboxRef,
    SandboxSpec,
)
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.errors import HarnessError, Unavailable

CALL_SECONDS = 60.0
SPARE_SECONDS = 30.0
"""What a command may take beyond its own timeout."""


class SandboxHostHandle:
    """The sandboxes of a node from another process; found anew after a restart, then empty."""

    def __init__(self, name: str = NAME) -> None:
        """Nothing is looked up before the first call."""
        self._name = name
        self._actor: Any = None  # Ray's handles are untyped

    async def create(
        self,
        spec: SandboxSpec,
        demands: Mapping[Control, Hold] | None = None,
        snapshot: str | None = None,
        tier: Tier = Tier.NAMESPACE,
    ) -> SandboxRef:
        """See `SandboxHost.create`."""
        made = await self._call("create", spec, demands or {}, snapshot, tier)
        return cast("SandboxRef", made)

    async def exec(self, ref: SandboxRef, command: Command) -> ExecResult:
        """See `SandboxHost.exec`."""
        seconds = command.timeout_seconds + SPARE_SECONDS
        return cast("ExecResult", await self._call("exec", ref, command, seconds=seconds))

    async def exec_stream(
        self, ref: SandboxRef, command: Command
    ) -> AsyncIterator[Chunk | ExecResult]:
        """See `SandboxHost.exec_stream`."""
        streaming = self._found("exec_stream").exec_stream.options(num_returns="streaming")
        with _told("exec_stream", self._forget):
            async with asyncio.timeout(command.timeout_seconds + SPARE_SECONDS):
                async for item in streaming.remote(ref, command):
                    yield cast("Chunk | ExecResult", await item)

    async def start(self, ref: SandboxRef, command: Command) -> int:
        """See `SandboxHost.start`."""
        return cast("int", await self._call("start", ref, command))

    async def wait(self, ref: SandboxRef, number: int, seconds: float) -> ExecResult:
        """See `SandboxHost.wait`; Unavailable after that long."""
        return cast("ExecResult", await self._call("wait", ref, number, seconds=seconds))

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

    async def drop_snapshot(self, tenant: str, snapshot: str) -> None:
        """See `SandboxHost.drop_snapshot`."""
        await self._call("drop_snapshot", tenant, snapshot)

    async def pause(self, ref: SandboxRef) -> None:
        """See `SandboxHost.pause`."""
        await self._call("pause", ref)

    async def resume(self, ref: SandboxRef) -> None:
        """See `SandboxHost.resume`."""
        await self._call("resume", ref)

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
        with _told(method, self._forget):
            async with asyncio.timeout(seconds):
                return await getattr(self._found(method), method).remote(*args)

    def _found(self, method: str) -> Any:
        if self._actor is None:
            with _told(method, self._forget):
                self._actor = ray.get_actor(self._name, namespace=NAMESPACE)
        return self._actor

    def _forget(self) -> None:
        self._actor = None


@contextmanager
def _told(method: str, forget: Callable[[], None]) -> Iterator[None]:
    """Ray's errors as the platform's own."""
    try:
        yield
    except RayTaskError as failed:
        if isinstance(failed.cause, HarnessError):
            raise failed.cause from failed
        raise
    except (RayActorError, TimeoutError, ValueError) as gone:
        forget()
        raise Unavailable(
            f"The host of sandboxes did not answer {method}. It is restarted by Ray; "
            "see `ath doctor`."
        ) from gone
