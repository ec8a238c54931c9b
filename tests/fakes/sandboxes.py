"""Sandboxes in memory: their files, a few programs, and the same refusals as real ones."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from harness.domain.account import Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.network_policy import NetworkMode
from harness.domain.sandbox import (
    Chunk,
    Command,
    ExecResult,
    FileEntry,
    KeptFiles,
    Reason,
    SandboxEvent,
    SandboxRef,
    SandboxSpec,
    SandboxStatus,
    Usage,
)
from harness.domain.sandbox_tier import Control, Hold, Tier, TierReport
from harness.domain.sandbox_visit import Visit, Visited, sent_inside, told_outside
from harness.errors import Forbidden, InvalidInput, NotFound, QuotaExceeded, TooLarge, Unavailable

NOW = datetime(2026, 1, 2, tzinfo=UTC)
REPORT = TierReport(
    Tier.NAMESPACE,
    dict.fromkeys(Control, Hold.ENFORCED) | {Control.DEADLINE: Hold.WATCHDOG},
    "No cgroup can be made here.",
    "Run as root.",
)


@dataclass(slots=True)
class Room:
    """One sandbox."""

    spec: SandboxSpec
    status: SandboxStatus
    files: dict[str, bytes] = field(default_factory=dict)
    started: dict[int, Command] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)
    """Commands that got a signal."""
    events: list[SandboxEvent] = field(default_factory=list)
    servers: dict[int, Visited] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    door: DoorSpec | None = None
    journal: bytes = b""


@dataclass(slots=True)
class FakeSandboxes:
    """Satisfies `SandboxNode`.

    Programs: `echo WORDS`, `cat [FILE]`, `exit CODE`, `sleep` (until its deadline), `yes` (until
    nobody listens), `bytes` (no text) and `fail` (the host breaks).
    """

    most: int = 3
    rooms: dict[SandboxRef, Room] = field(default_factory=dict)
    snapshots: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    left: int = 0
    """Streams whose listener went away."""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def create(
        self,
        spec: SandboxSpec,
        demands: Mapping[Control, Hold] | None = None,
        snapshot: str | None = None,
        tier: Tier = Tier.NAMESPACE,
        most: int | None = None,
    ) -> SandboxRef:
        (REPORT if tier is Tier.NAMESPACE else TierReport(tier)).demand(demands or {})
        if len(await self.statuses(spec.tenant)) >= (
            self.most if most is None else min(most, self.most)
        ):
            raise QuotaExceeded("The tenant has as many sandboxes as it may have.")
        files: dict[str, bytes] = {}
        if snapshot is not None:
            if (spec.tenant, snapshot) not in self.snapshots:
                raise NotFound(f"There is no snapshot {snapshot}.")
            files |= self.snapshots[spec.tenant, snapshot]
        ref = SandboxRef(spec.tenant, f"box{next(self._numbers)}")
        ends = NOW + timedelta(seconds=spec.lifetime_seconds)
        started = SandboxEvent(1, "sandbox.started", {"tier": str(tier)})
        status = SandboxStatus(ref.id, tier, spec.limits, NOW, ends)
        self.rooms[ref] = Room(spec, status, files, events=[started])
        return ref

    async def statuses(self, tenant: str) -> Sequence[SandboxStatus]:
        rooms = [room.status for ref, room in self.rooms.items() if ref.tenant == tenant]
        return [status for status in rooms if status.reason is None]

    async def status(self, ref: SandboxRef) -> SandboxStatus:
        return self._known(ref).status

    async def exec(self, ref: SandboxRef, command: Command) -> ExecResult:
        return _run(self._room(ref), command)

    async def exec_stream(
        self, ref: SandboxRef, command: Command
    ) -> AsyncGenerator[Chunk | ExecResult, None]:
        room = self._room(ref)
        try:
            while list(command.argv) == ["yes"]:
                yield Chunk("stdout", b"y\n")
                await asyncio.sleep(0)
        finally:
            self.left += list(command.argv) == ["yes"]
        if list(command.argv) == ["sleep"]:
            await asyncio.sleep(command.timeout_seconds)
        result = _run(room, command)
        for stream, data in (("stdout", result.stdout), ("stderr", result.stderr)):
            for at in range(0, len(data), 2):
                yield Chunk(stream, data[at : at + 2])
        yield result

    async def open_door(self, ref: SandboxRef, spec: DoorSpec) -> Mapping[str, str]:
        if spec.policy.network.mode is NetworkMode.HOST:
            raise Forbidden("A sandbox never has the machine's own network.")
        self._room(ref).door = spec
        return {}

    async def journal(self, ref: SandboxRef, offset: int, most_bytes: int = 1 << 20) -> bytes:
        return self._known(ref).journal[offset : offset + most_bytes]

    async def spent(self, ref: SandboxRef) -> Mapping[Measure, int]:
        return {Measure.TURNS: 2} if self._known(ref).door else {}

    async def start(self, ref: SandboxRef, command: Command) -> int:
        number = next(self._numbers)
        self._room(ref).started[number] = command
        return number

    async def wait(self, ref: SandboxRef, number: int, seconds: float) -> ExecResult | None:
        room = self._room(ref)
        command = self._started(ref, number)
        if list(command.argv) == ["sleep"] and number not in room.ended:
            return None
        del room.started[number]
        if number in room.ended:
            return ExecResult(None, room.ended[number], Reason.KILLED, b"", b"", Usage())
        return _run(room, command)

    async def signal(self, ref: SandboxRef, number: int, signum: int) -> None:
        self._started(ref, number)
        self._room(ref).ended[number] = signum

    async def end(self, ref: SandboxRef, number: int) -> None:
        await self.signal(ref, number, 9)

    async def read(self, ref: SandboxRef, path: str, most_bytes: int = 1 << 20) -> bytes:
        data = self._file(ref, path)
        if len(data) > most_bytes:
            raise TooLarge(f"{path!r} in the sandbox is larger than {most_bytes} bytes.")
        return data

    async def write(self, ref: SandboxRef, path: str, data: bytes, mode: int = 0o644) -> None:
        self._room(ref).files[_confined(path)] = data

    async def entries(self, ref: SandboxRef, path: str = ".") -> Sequence[FileEntry]:
        _confined(path)
        found = self._room(ref).files.items()
        return [FileEntry(name, "file", len(data), 0o644, 0) for name, data in sorted(found)]

    async def make_folder(self, ref: SandboxRef, path: str) -> None:
        self._room(ref)
        _confined(path)

    async def remove(self, ref: SandboxRef, path: str) -> None:
        self._file(ref, path)
        del self._room(ref).files[path]

    async def snapshot(self, ref: SandboxRef) -> str:
        name = f"shot{next(self._numbers)}"
        self.snapshots[ref.tenant, name] = dict(self._room(ref).files)
        return name

    async def kept(self, tenant: str) -> Sequence[KeptFiles]:
        return [
            KeptFiles(name, sum(map(len, files.values())))
            for (whose, name), files in self.snapshots.items()
            if whose == tenant
        ]

    async def drop_snapshot(self, tenant: str, snapshot: str) -> None:
        self.snapshots.pop((tenant, snapshot), None)

    async def pause(self, ref: SandboxRef) -> None:
        room = self._room(ref)
        room.status = replace(room.status, is_paused=True)

    async def resume(self, ref: SandboxRef) -> None:
        room = self._room(ref)
        room.status = replace(room.status, is_paused=False)

    async def visit(self, ref: SandboxRef, port: int, visit: Visit) -> Visited:
        visit.check()
        room = self._room(ref)
        if port not in room.servers:
            raise Unavailable(f"Port {port} of the sandbox: nobody listens.")
        room.visits.append(replace(visit, headers=sent_inside(visit.headers)))
        answer = room.servers[port]
        return replace(answer, headers=told_outside(answer.headers))

    async def expose(self, ref: SandboxRef, port: int) -> int:
        self._room(ref)
        return 40_000 + port

    async def set_timeout(self, ref: SandboxRef, seconds: float) -> None:
        room = self._room(ref)
        room.status = replace(room.status, ends_at=NOW + timedelta(seconds=seconds))

    async def events(self, ref: SandboxRef, after: int = 0) -> Sequence[SandboxEvent]:
        return [event for event in self._known(ref).events if event.seq > after]

    async def kill(self, ref: SandboxRef) -> None:
        room = self._known(ref)
        room.status = replace(room.status, reason=room.status.reason or Reason.KILLED)

    def _known(self, ref: SandboxRef) -> Room:
        if ref not in self.rooms:
            raise NotFound(f"There is no sandbox {ref.id}.")
        return self.rooms[ref]

    def _room(self, ref: SandboxRef) -> Room:
        room = self._known(ref)
        if room.status.reason is not None:
            raise NotFound(f"The sandbox {ref.id} has ended ({room.status.reason}).")
        return room

    def _file(self, ref: SandboxRef, path: str) -> bytes:
        files = self._room(ref).files
        if _confined(path) not in files:
            raise NotFound(f"The sandbox has no {path!r}.")
        return files[path]

    def _started(self, ref: SandboxRef, number: int) -> Command:
        room = self._room(ref)
        if number not in room.started:
            raise NotFound(f"No command {number} was started in sandbox {ref.id}.")
        return room.started[number]


def _confined(path: str) -> str:
    if "\0" in path:
        raise InvalidInput(f"{path!r} cannot be a path in a sandbox.")
    if path.startswith("/") or ".." in path.split("/"):
        raise Forbidden(f"{path!r} leads out of the sandbox's workspace.")
    return path


def _run(room: Room, command: Command) -> ExecResult:
    command.check()
    match list(command.argv):
        case ["echo", *words]:
            return _left(0, " ".join(words).encode() + b"\n")
        case ["cat"]:
            return _left(0, command.stdin)
        case ["cat", path] if path in room.files:
            return _left(0, room.files[path])
        case ["exit", code]:
            return _left(int(code))
        case ["sleep"]:
            return ExecResult(None, 9, Reason.TIMEOUT, b"so far\n", b"", Usage(1.5, 0.5, 1024))
        case ["bytes"]:
            return _left(0, b"\xff\xfe\x00")
        case ["fail"]:
            raise RuntimeError("/etc/secret of the host")
        case _:
            return _left(127, b"", b"cannot start\n")


def _left(code: int, stdout: bytes = b"", stderr: bytes = b"") -> ExecResult:
    return ExecResult(code, None, Reason.EXIT, stdout, stderr, Usage(0.25, 0.125, 1024))
