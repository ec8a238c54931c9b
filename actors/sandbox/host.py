"""The sandboxes of one node, by tenant and id, each of the tier that was asked for."""

import asyncio
import io
import shutil
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from actors.sandbox.archive import unpack
from actors.sandbox.cgroup import GroupRoots, find_roots, sweep
from actors.sandbox.doorway import Doorway
from actors.sandbox.execution import Execution
from actors.sandbox.exposure import Exposure
from actors.sandbox.files import SandboxFiles
from actors.sandbox.gvisor import RUNSC, gvisor_kind
from actors.sandbox.process_tier import ProcessTierSandbox
from actors.sandbox.room import Room
from actors.sandbox.sandbox import Sandbox
from actors.sandbox.snapshots import Snapshots
from actors.sandbox.tier_probe import probe_tier
from actors.sandbox.users import Users
from actors.sandbox.visit import visited
from actors.sandbox.warm import WarmLimits, WarmPool
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
from harness.domain.sandbox_tier import Control, Hold, Tier, TierReport
from harness.domain.sandbox_visit import Visit, Visited
from harness.errors import Conflict, InvalidInput, NotFound, QuotaExceeded, Unavailable
from harness.ports.clock import Clock, SystemClock
from harness.ports.entropy import Entropy

REMEMBERED = 256
"""Ended sandboxes whose events may still be asked for."""
MOST_EXPOSED = 16
"""Ports of one sandbox."""
MOST_WAITING = 128
"""Calls of one tenant that wait for something in its sandboxes."""
MOST_RUNNING = 64
"""Commands that were started and not yet waited for, in one sandbox."""


@dataclass(slots=True)
class SandboxHost:
    """Owns the templates, spares and sandboxes of one node."""

    entropy: Entropy
    scratch: Path
    """Folder of the process tier's workspaces, of nothing else; what is in it goes at first."""
    snapshots: Snapshots
    doorway: Doorway | None = None
    """Opens ways out of sandboxes; without one there are none."""
    most_sandboxes: int = 64
    most_per_tenant: int = 32
    warm: WarmLimits = field(default_factory=WarmLimits)
    runsc: str = RUNSC
    """Path or name of the program that serves the gvisor tier."""
    clock: Clock = field(default_factory=SystemClock)
    _pool: WarmPool | None = None
    _guests: WarmPool | None = None
    """Of the gvisor tier."""
    _reports: dict[Tier, TierReport] = field(default_factory=dict)
    _rooms: "OrderedDict[SandboxRef, Room]" = field(default_factory=OrderedDict)
    _starting: list[str] = field(default_factory=list)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: "Counter[str]" = field(default_factory=Counter)

    async def create(
        self,
        spec: SandboxSpec,
        demands: Mapping[Control, Hold] | None = None,
        snapshot: str | None = None,
        tier: Tier = Tier.NAMESPACE,
        most: int | None = None,
    ) -> SandboxRef:
        """See `SandboxNode.create`."""
        report = await self._probed(tier)
        report.demand(demands or {})
        await self._admit(spec.tenant, most)
        ref = SandboxRef(spec.tenant, self.entropy.new_id())
        self._starting.append(spec.tenant)
        try:
            sandbox = await self._make(ref, spec, tier)
        finally:
            self._starting.remove(spec.tenant)
        sandbox.note("sandbox.started", {"tier": tier, "controls": report.described()})
        now = self.clock.now()
        ends = now + timedelta(seconds=spec.lifetime_seconds)
        self._rooms[ref] = Room(sandbox, SandboxStatus(ref.id, tier, spec.limits, now, ends))
        if snapshot is not None:
            await self._restore(ref, snapshot)
        return ref

    async def statuses(self, tenant: str) -> Sequence[SandboxStatus]:
        """The tenant's sandboxes that live, oldest first."""
        rooms = [room for ref, room in self._rooms.items() if ref.tenant == tenant]
        return [room.status for room in rooms if not room.sandbox.has_ended]

    async def status(self, ref: SandboxRef) -> SandboxStatus:
        """How it stands; also for a while after its end."""
        room = self._known(ref)
        reason = room.sandbox.reason if room.sandbox.has_ended else None
        return replace(room.status, reason=reason)

    async def exec(self, ref: SandboxRef, command: Command) -> ExecResult:
        """Run a command to its end."""
        with self._awaited(ref):
            room = self._room(ref)
            return await room.sandbox.exec(room.ready(command))

    async def exec_stream(
        self, ref: SandboxRef, command: Command
    ) -> AsyncGenerator[Chunk | ExecResult, None]:
        """Its output as it comes, and its result last."""
        with self._awaited(ref):
            room = self._room(ref)
            items = room.sandbox.exec_stream(room.ready(command))
            async with aclosing(items):  # who goes away ends the command
                async for item in items:
                    yield item

    async def start(self, ref: SandboxRef, command: Command) -> int:
        """Start a command beside others; its number is for `wait`, `signal` and `end`."""
        room = self._room(ref)
        if len(room.started) >= MOST_RUNNING:
            raise QuotaExceeded(f"{MOST_RUNNING} commands were started; wait for one of them.")
        execution = room.sandbox.start(room.ready(command))
        room.started[execution.id] = execution
        return execution.id

    async def wait(self, ref: SandboxRef, number: int, seconds: float) -> ExecResult | None:
        """How a started command ended; then its number is forgotten."""
        room = self._room(ref)
        with self._awaited(ref), suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                result = await self._execution(ref, number).wait()
            room.started.pop(number, None)
            return result
        return None

    async def signal(self, ref: SandboxRef, number: int, signum: int) -> None:
        """Signal a started command's process group."""
        self._execution(ref, number).signal(signum)

    async def end(self, ref: SandboxRef, number: int) -> None:
        """Kill a started command with all that it started."""
        self._execution(ref, number).end()

    async def read(self, ref: SandboxRef, path: str, most_bytes: int = 1 << 20) -> bytes:
        """What a file of the workspace holds."""
        return await asyncio.to_thread(self._files(ref).read, path, most_bytes)

    async def write(self, ref: SandboxRef, path: str, data: bytes, mode: int = 0o644) -> None:
        """Make or replace a file."""
        await asyncio.to_thread(self._files(ref).write, path, data, mode)

    async def entries(self, ref: SandboxRef, path: str = ".") -> Sequence[FileEntry]:
        """What is in a folder."""
        return await asyncio.to_thread(self._files(ref).entries, path)

    async def make_folder(self, ref: SandboxRef, path: str) -> None:
        """Make a folder and those above it."""
        await asyncio.to_thread(self._files(ref).make_folder, path)

    async def remove(self, ref: SandboxRef, path: str) -> None:
        """Remove a file, a link or an empty folder."""
        await asyncio.to_thread(self._files(ref).remove, path)

    async def snapshot(self, ref: SandboxRef) -> str:
        """Keep its files as they are now, everything in it stopped meanwhile."""
        room = self._room(ref)
        sandbox, name = room.sandbox, self.entropy.new_id()
        await sandbox.pause()
        try:
            await asyncio.to_thread(self.snapshots.take, ref.tenant, name, sandbox.files)
        finally:
            if not room.status.is_paused:
                await sandbox.resume()
        sandbox.note("sandbox.snapshot_taken", {"snapshot": name})
        return name

    async def kept(self, tenant: str) -> Sequence[KeptFiles]:
        """The tenant's snapshots, oldest first."""
        return self.snapshots.of(tenant)

    async def drop_snapshot(self, tenant: str, snapshot: str) -> None:
        """Keep it no longer."""
        await asyncio.to_thread(self.snapshots.drop, tenant, snapshot)

    async def pause(self, ref: SandboxRef) -> None:
        """Stop everything in it; deadlines go on."""
        room = self._room(ref)
        await room.sandbox.pause()
        room.status = replace(room.status, is_paused=True)

    async def resume(self, ref: SandboxRef) -> None:
        """Let it go on."""
        room = self._room(ref)
        await room.sandbox.resume()
        room.status = replace(room.status, is_paused=False)

    async def visit(self, ref: SandboxRef, port: int, visit: Visit) -> Visited:
        """Ask an HTTP server inside."""
        with self._awaited(ref):
            return await visited(self._room(ref).sandbox, port, visit)

    async def expose(self, ref: SandboxRef, port: int) -> int:
        """The port of this node's loopback that leads to that port of the sandbox."""
        room = self._room(ref)
        if port not in room.exposures and len(room.exposures) >= MOST_EXPOSED:
            raise QuotaExceeded(f"{MOST_EXPOSED} ports of sandbox {ref.id} are exposed already.")
        if port not in room.exposures:
            room.exposures[port] = await Exposure.open(room.sandbox, port)
        return room.exposures[port].port

    async def open_door(self, ref: SandboxRef, spec: DoorSpec) -> Mapping[str, str]:
        """Open its one way out; gives the variables by which its commands find that.

        Raises:
            Conflict: it has one.
            Unavailable: there are none on this host.
            Forbidden: the policy is none for a sandbox.
        """
        room = self._room(ref)
        if self.doorway is None:
            raise Unavailable("This host of sandboxes opens no way out of them.")
        if room.door is not None:
            raise Conflict(f"The sandbox {ref.id} has its way out already.")
        self._journals.mkdir(exist_ok=True)
        room.door = await self.doorway.open(ref, room.sandbox, spec, self._journals / ref.id)
        version = spec.policy.version
        room.sandbox.note("sandbox.door_opened", {"policy": version})
        return room.door.environ

    async def journal(self, ref: SandboxRef, offset: int, most_bytes: int = 1 << 20) -> bytes:
        """Lines of JSON about what passed its way out, from an offset in bytes."""
        door = self._known(ref).door
        return b"" if door is None else door.journal.read(offset, most_bytes)

    async def spent(self, ref: SandboxRef) -> Mapping[Measure, int]:
        """What was used through its way out so far."""
        door = self._known(ref).door
        return {} if door is None else door.spent

    async def fill(self, ref: SandboxRef, archive: bytes) -> int:
        """Write a tar archive into its workspace; says how many entries."""
        return await asyncio.to_thread(unpack, self._files(ref), io.BytesIO(archive))

    async def set_timeout(self, ref: SandboxRef, seconds: float) -> None:
        """End it that long from now."""
        room = self._room(ref)
        room.sandbox.set_timeout(seconds)
        ends = self.clock.now() + timedelta(seconds=seconds)
        room.status = replace(room.status, ends_at=ends)

    async def events(self, ref: SandboxRef, after: int = 0) -> Sequence[SandboxEvent]:
        """What happened to it; also for a while after its end."""
        return self._known(ref).sandbox.events(after)

    async def kill(self, ref: SandboxRef) -> None:
        """End it with everything in it."""
        await self._known(ref).close()

    async def close(self) -> None:
        """End everything, spares too; who asks again gets a new pool."""
        for ref in list(self._rooms):
            await self.kill(ref)
        for pool in (self._pool, self._guests):
            if pool is not None:
                await pool.close()
        self._pool = self._guests = None

    @property
    def _journals(self) -> Path:
        return self.scratch / "journals"

    async def _probed(self, tier: Tier) -> TierReport:
        async with self._opening:
            if self._pool is None:
                roots = await asyncio.to_thread(_swept, self.scratch)
                self._pool = WarmPool(roots, Users.of_this_process(), self.warm)
            if tier not in self._reports:
                roots, users = self._pool.roots, self._pool.users
                self._reports[tier] = await probe_tier(tier, roots, users, self.runsc)
        return self._reports[tier]

    async def _make(self, ref: SandboxRef, spec: SandboxSpec, tier: Tier) -> Sandbox:
        if tier is Tier.PROCESS:
            return ProcessTierSandbox(spec, self.scratch / ref.id)
        if tier is Tier.NAMESPACE and self._pool is not None:
            return await self._pool.take(spec)
        if tier is Tier.GVISOR and self._pool is not None:
            if self._guests is None:
                roots, users = self._pool.roots, self._pool.users
                self._guests = WarmPool(roots, users, self.warm, gvisor_kind(self.runsc, users))
            return await self._guests.take(spec)
        raise InvalidInput(f"No code of strangers runs in the tier {tier}.")

    async def _admit(self, tenant: str, most: int | None) -> None:
        await self._forget()
        living = [ref.tenant for ref, room in self._rooms.items() if not room.sandbox.has_ended]
        living += self._starting
        allowed = self.most_per_tenant if most is None else min(most, self.most_per_tenant)
        if living.count(tenant) >= allowed:
            raise QuotaExceeded(
                f"The tenant has {living.count(tenant)} sandboxes and may have {allowed}. End one, "
                "or ask an operator for a larger quota."
            )
        if len(living) >= self.most_sandboxes:
            raise QuotaExceeded("No room for another sandbox on this node; end one, or wait.")

    @contextmanager
    def _awaited(self, ref: SandboxRef) -> Iterator[None]:
        """Counts who waits here, so that one tenant does not take every place of the actor."""
        if self._waiting[ref.tenant] >= MOST_WAITING:
            raise QuotaExceeded(
                f"{MOST_WAITING} callers of this tenant wait for its sandboxes already."
            )
        self._waiting[ref.tenant] += 1
        try:
            yield
        finally:
            self._waiting[ref.tenant] -= 1
            if not self._waiting[ref.tenant]:
                del self._waiting[ref.tenant]

    async def _forget(self) -> None:
        ended = [ref for ref, room in self._rooms.items() if room.sandbox.has_ended]
        for ref in ended:
            await self._rooms[ref].shut()
        for ref in ended[:-REMEMBERED]:
            await self._rooms.pop(ref).close()

    async def _restore(self, ref: SandboxRef, snapshot: str) -> None:
        try:
            files = self._files(ref)
            await asyncio.to_thread(self.snapshots.restore, ref.tenant, snapshot, files)
        except BaseException:
            await self.kill(ref)
            raise

    def _known(self, ref: SandboxRef) -> Room:
        room = self._rooms.get(ref)
        if room is None:
            raise NotFound(f"There is no sandbox {ref.id}.")
        return room

    def _room(self, ref: SandboxRef) -> Room:
        room = self._known(ref)
        if room.sandbox.has_ended:
            raise NotFound(f"The sandbox {ref.id} has ended ({room.sandbox.reason}).")
        return room

    def _files(self, ref: SandboxRef) -> SandboxFiles:
        return self._room(ref).sandbox.files

    def _execution(self, ref: SandboxRef, number: int) -> Execution:
        execution = self._room(ref).started.get(number)
        if execution is None:
            raise NotFound(f"No command {number} was started in sandbox {ref.id}.")
        return execution


def _swept(scratch: Path) -> GroupRoots | None:
    """Where cgroups can be made, after what a former life left is gone."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    roots = find_roots()
    if roots is not None:
        sweep(roots)
    return roots
