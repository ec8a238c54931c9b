"""One agent's run: a sandbox, its door, its program, and everything that it did."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Protocol

from actors.agents.agent_end import AgentEnd
from actors.agents.agent_task import DEMANDS, AgentTask
from harness.domain.account import Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.sandbox import (
    Command,
    ExecResult,
    Reason,
    SandboxEvent,
    SandboxRef,
    SandboxSpec,
)
from harness.domain.sandbox_tier import Control, Hold
from harness.errors import Forbidden, HarnessError, InvalidInput, NotFound, TooLarge, Unavailable

LOOK_SECONDS = 0.2
"""How often the journal is read while the program runs."""
READ_BYTES = 1 << 20
LAST_WORDS_SECONDS = 5.0
MOST_FETCHED_BYTES = 32 << 20

Tell = Callable[[Mapping[str, Any]], None]  # Any: JSON of the journal


class AgentHost(Protocol):
    """What of a `SandboxHost` a run of an agent needs."""

    async def create(
        self, spec: SandboxSpec, demands: Mapping[Control, Hold] | None = None
    ) -> SandboxRef:
        """See `SandboxHost.create`."""
        ...

    async def events(self, ref: SandboxRef, after: int = 0) -> Sequence[SandboxEvent]:
        """See `SandboxHost.events`."""
        ...

    async def open_door(self, ref: SandboxRef, spec: DoorSpec) -> Mapping[str, str]:
        """See `SandboxHost.open_door`."""
        ...

    async def fill(self, ref: SandboxRef, archive: bytes) -> int:
        """See `SandboxHost.fill`."""
        ...

    async def exec(self, ref: SandboxRef, command: Command) -> ExecResult:
        """See `SandboxHost.exec`."""
        ...

    async def read(self, ref: SandboxRef, path: str, most_bytes: int = ...) -> bytes:
        """See `SandboxHost.read`."""
        ...

    async def journal(self, ref: SandboxRef, offset: int, most_bytes: int = ...) -> bytes:
        """See `SandboxHost.journal`."""
        ...

    async def spent(self, ref: SandboxRef) -> Mapping[Measure, int]:
        """See `SandboxHost.spent`."""
        ...

    async def kill(self, ref: SandboxRef) -> None:
        """See `SandboxHost.kill`."""
        ...


@dataclass(slots=True)
class AgentRun:
    """Runs a task; cancelling it ends the sandbox."""

    task: AgentTask
    host: AgentHost
    journal: BinaryIO
    """Gets every line of the sandbox's journal."""
    tell: Tell
    """Hears of every entry soon after it was written."""
    began: Callable[[Mapping[str, object]], None] = lambda facts: None
    """Hears of the sandbox's tier and controls when it is up."""
    effects: int = 0
    """So far."""
    refused: dict[str, int] = field(default_factory=dict)
    """How often so far, by the kind of denial."""
    spent: Mapping[Measure, int] = field(default_factory=dict)
    """When it has ended, or was cut short."""
    _offset: int = 0
    _rest: bytes = b""

    async def run(self) -> AgentEnd:
        """Until the program has ended; nothing of it is left then.

        Raises:
            TierUnavailable: this machine has no sandbox that is good enough for agents.
            InvalidInput: what it is given cannot be used.
            Unavailable: the host of sandboxes is away, or has no room.
        """
        ref = await self._created()
        try:
            self.began((await self.host.events(ref))[0].facts)
            await self.host.open_door(ref, self.task.door)
            if self.task.archive:
                await self.host.fill(ref, self.task.archive)
            async with self._reading(ref):
                result = await self.host.exec(ref, self.task.command())
            await self._account(ref)
            return await self._ended(ref, result)
        except BaseException:  # also when its test is stopped: what it did must be known
            with contextlib.suppress(HarnessError, TimeoutError):
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    await self._account(ref)
            raise
        finally:
            with contextlib.suppress(Unavailable):
                await asyncio.shield(self.host.kill(ref))

    async def _created(self) -> SandboxRef:
        creating = asyncio.ensure_future(self.host.create(self.task.sandbox(), DEMANDS))
        try:
            return await asyncio.shield(creating)
        except asyncio.CancelledError:
            # It may come all the same, and nobody else knows of it.
            await asyncio.wait([creating])
            if not creating.cancelled() and creating.exception() is None:
                with contextlib.suppress(Unavailable):
                    await self.host.kill(creating.result())
            raise

    async def _account(self, ref: SandboxRef) -> None:
        """Whatever stands in the journal and the ledger."""
        await self._read(ref)
        self.spent = await self.host.spent(ref)

    async def _ended(self, ref: SandboxRef, result: ExecResult) -> AgentEnd:
        end = AgentEnd(result, self.spent, self.effects, self.refused)
        is_over = result.reason is Reason.TIMEOUT and self.task.wall_seconds < self.task.seconds
        files, missing = await self._fetched(ref)
        return replace(end, files=files, missing=missing, over_wall=is_over)

    async def _fetched(self, ref: SandboxRef) -> tuple[dict[str, bytes], Sequence[str]]:
        files, missing, room = {}, [], MOST_FETCHED_BYTES
        for path in self.task.brings:
            try:
                files[path] = await self.host.read(ref, path, room)
                room -= len(files[path])
            except (NotFound, InvalidInput, Forbidden, TooLarge) as failed:
                missing.append(f"{path}: {failed}")
        return files, missing

    @contextlib.asynccontextmanager
    async def _reading(self, ref: SandboxRef) -> AsyncIterator[None]:
        reading = asyncio.create_task(self._read_on(ref))
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    async def _read_on(self, ref: SandboxRef) -> None:
        with contextlib.suppress(HarnessError):  # what is missing is read at the end
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                await self._read(ref)

    async def _read(self, ref: SandboxRef) -> None:
        while data := await self.host.journal(ref, self._offset, READ_BYTES):
            self._offset += len(data)
            self.journal.write(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._take(json.loads(line))

    def _take(self, entry: Mapping[str, Any]) -> None:
        if entry["what"] == "asked":
            self.effects += 1
        elif entry["what"] == "refused":
            denial = str(entry["denial"])
            self.refused[denial] = self.refused.get(denial, 0) + 1
        self.tell(entry)
