"""A sandbox of the namespace tier, as its host uses it."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from actors.sandbox.cgroup import Group
from actors.sandbox.channel import Channel, Reply
from actors.sandbox.events import EventLog
from actors.sandbox.execution import Execution, carried_out, narrated
from actors.sandbox.files import SandboxFiles
from actors.sandbox.inside import messages
from actors.sandbox.users import Users
from actors.sandbox.watchdog import MemoryWatchdog
from harness.domain.sandbox import (
    Chunk,
    Command,
    ExecResult,
    Reason,
    SandboxEvent,
    SandboxSpec,
)
from harness.errors import Unavailable

BORN_SECONDS = 15.0
DEATH_SECONDS = 10.0
"""Of processes that the kernel cannot end at once, such as those that wait for a disk."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a sandbox gives back when it has ended."""

    group: Group | None
    user: int | None
    users: Users


@dataclass(slots=True)
class NamespaceSandbox:
    """Commands, files and sockets of one sandbox; see `Sandbox`."""

    spec: SandboxSpec
    _channel: Channel
    _parts: Parts
    pid: int = 0
    """Of its first process, in the host's eyes."""
    _handle: int = -1
    _files: SandboxFiles | None = None
    _events: EventLog = field(default_factory=EventLog)
    _executions: dict[int, Execution] = field(default_factory=dict)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _timer: asyncio.TimerHandle | None = None
    _watchdog: MemoryWatchdog | None = None
    _reason: Reason | None = None
    _seen_oom: int = 0
    _seen_pids: int = 0
    _hurried: int = 0
    _closing: "asyncio.Task[None] | None" = None

    @classmethod
    async def meet(
        cls, control: socket.socket, spec: SandboxSpec, parts: Parts
    ) -> "NamespaceSandbox":
        """Wait until a sandbox that was asked for is up.

        Raises:
            Unavailable: it did not come up; nothing is left of it.
        """
        sandbox = cls(spec, Channel(control, lambda: sandbox._lost()), parts)
        born, ready = (sandbox._channel.expect(one) for one in ("born", "ready"))
        failed = sandbox._channel.expect("failed")
        sandbox._channel.listen()
        try:
            for awaited in (ready, born):  # told by two processes, in any order
                await asyncio.wait(
                    [awaited, failed], timeout=BORN_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            sandbox._begin(_answer(born, failed), _answer(ready, failed))
        except Unavailable as trouble:
            if said := await sandbox._give_up(born, ready):
                raise Unavailable(f"{trouble} {said}") from trouble
            raise
        except BaseException:  # also when whoever wanted it is cancelled
            await sandbox._give_up(born, ready)
            raise
        return sandbox

    @property
    def files(self) -> SandboxFiles:
        """What is in its workspace."""
        if self._files is None:
            raise Unavailable("The sandbox has not started.")
        return self._files

    @property
    def has_ended(self) -> bool:
        """Whether nothing can run in it any more."""
        return self._closing is not None

    @property
    def user(self) -> int | None:
        """Who it is in the host's eyes, for whom a writable bind must be writable.

        None if it runs as who started it.
        """
        return self._parts.user

    @property
    def counts_processes(self) -> bool:
        """Whether cgroups limit it, and tell which limit was hit."""
        return self._parts.group is not None

    @property
    def reason(self) -> Reason | None:
        """Why it was ended, if it was."""
        return self._reason

    async def exec(self, command: Command) -> ExecResult:
        """Run a command to its end; cancelling kills it."""
        return await carried_out(lambda: self.start(command))

    def exec_stream(self, command: Command) -> AsyncGenerator[Chunk | ExecResult, None]:
        """Its output as it comes, and its result last."""
        return narrated(lambda: self.start(command, stream=True))

    def start(self, command: Command, *, stream: bool = False) -> Execution:
        """Start a command that runs beside others.

        What it leaves behind is ended with it, and orphans of any command with the next command
        that ends.
        """
        command.check()
        execution = Execution(command, self._channel, self)
        execution.start(dict(self.spec.environ), stream=stream)
        self._executions = {key: one for key, one in self._executions.items() if not one.has_ended}
        self._executions[execution.id] = execution
        return execution

    async def pause(self) -> None:
        """Stop everything in it; deadlines go on."""
        await self._channel.ask("pause")
        self._events.add("sandbox.paused")

    async def resume(self) -> None:
        """Let it go on."""
        await self._channel.ask("resume")
        self._events.add("sandbox.resumed")

    async def listen(self, ports: Sequence[int]) -> Sequence[socket.socket]:
        """Sockets that listen on these ports of its own loopback, to be accepted on out here."""
        reply = await self._channel.ask("listen", ports=list(ports))
        return [socket.socket(fileno=one) for one in reply.descriptors]

    async def connect(self, port: int) -> socket.socket:
        """A connection to a server in it; not blocking, and maybe still under way."""
        reply = await self._channel.ask("connect", port=port)
        (made,) = reply.descriptors
        return socket.socket(fileno=made)

    def assign(self, spec: SandboxSpec) -> None:
        """Let it be what another spec of the same tenant, binds and limits says."""
        self.spec = spec
        self.set_timeout(spec.lifetime_seconds)

    def set_timeout(self, seconds: float) -> None:
        """End it that long from now."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self.kill, Reason.TIMEOUT)

    def events(self, after: int = 0) -> Sequence[SandboxEvent]:
        """What happened, as far as it is remembered."""
        return self._events.after(after)

    def note(self, kind: str, facts: Mapping[str, object]) -> None:
        """Remember something that its host knows of it."""
        self._events.add(kind, **facts)

    def kill(self, reason: Reason = Reason.KILLED) -> None:
        """SIGKILL to its first process, and with it to everything in it."""
        self._reason = self._reason or reason
        if self._closing is None:
            self.hurries(on=True)
        if self._handle >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    async def wait(self) -> Reason:
        """Why it ended."""
        await self._ended.wait()
        return self._reason or Reason.KILLED

    def ends_stuck(self) -> None:
        """See `Keeper`."""
        self.kill()

    def hurries(self, *, on: bool) -> None:
        """See `Keeper`."""
        self._hurried += 1 if on else -1
        if self._parts.group is not None:
            with contextlib.suppress(OSError):  # it may be gone by now
                self._parts.group.limit_cpus(None if self._hurried else self.spec.limits.cpus)

    def judges(self, reply: Reply | None) -> Reason:
        """See `Keeper`."""
        oom, pids = self._seen_oom, self._seen_pids
        if self._parts.group is not None:
            self._seen_oom = self._parts.group.oom_kills()
            self._seen_pids = self._parts.group.refused_processes()
        killed, refused = self._seen_oom > oom, self._seen_pids > pids
        if reply is None:
            return Reason.OOM if killed else self._reason or Reason.KILLED
        if reply.event["ev"] == "failed":
            return Reason.PIDS
        return _from_status(reply, killed=killed, refused=refused)

    async def close(self) -> None:
        """Kill it and give everything back."""
        self.kill()
        self._channel.close()
        if self._closing is not None:
            await asyncio.shield(self._closing)

    async def _give_up(self, born: "asyncio.Future[Reply]", ready: "asyncio.Future[Reply]") -> str:
        """What is known of why, beside what was answered."""
        if self._handle < 0 and is_told(born):
            (self._handle,) = born.result().descriptors
        if self._files is None and is_told(ready):
            messages.close_all(list(ready.result().descriptors))
        await self.close()
        return ""

    def _begin(self, born: Reply, ready: Reply) -> None:
        self.pid = int(born.event["pid"])
        (self._handle,) = born.descriptors
        (workspace,) = ready.descriptors
        self._files = SandboxFiles(workspace, self._parts.user)
        if self._parts.group is None:
            self._watchdog = MemoryWatchdog(
                self.pid, self.spec.limits.memory_bytes, self._out_of_memory
            )
        self.set_timeout(self.spec.lifetime_seconds)

    def _out_of_memory(self) -> None:
        for execution in self._executions.values():
            execution.end(Reason.OOM)

    def _lost(self) -> None:
        if self._closing is None:
            self._reason = self._reason or self.judges(None)
            self._events.add("sandbox.ended", reason=str(self._reason))
            self._closing = asyncio.get_running_loop().create_task(self._clean())

    async def _death(self) -> None:
        """Its first process ends last: the kernel ends all others before."""
        if self._handle >= 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_readable(self._handle), DEATH_SECONDS)

    async def _clean(self) -> None:
        self.kill()
        await self._death()
        if self._timer is not None:
            self._timer.cancel()
        if self._watchdog is not None:
            self._watchdog.close()
        if self._files is not None:
            self._files.close()
        if self._parts.group is not None:
            await self._parts.group.remove()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._parts.users.give_back(self._parts.user)
        self._ended.set()


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    loop.add_reader(descriptor, heard.set)
    try:
        await heard.wait()
    finally:
        loop.remove_reader(descriptor)


def _answer(wanted: "asyncio.Future[Reply]", failed: "asyncio.Future[Reply]") -> Reply:
    if wanted.done():
        return wanted.result()
    reason = "it did not answer in time"
    if failed.done():
        reason = failed.result().event["error"]
    raise Unavailable(f"A sandbox did not start: {reason}.")


def is_told(future: "asyncio.Future[Reply]") -> bool:
    """Whether what was awaited has come."""
    return future.done() and not future.cancelled() and future.exception() is None


def _from_status(reply: Reply, *, killed: bool, refused: bool) -> Reason:
    """Whoever left with success was not stopped by what one of its children met."""
    status = int(reply.event["status"])
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGSYS:
        return Reason.POLICY
    if code == -signal.SIGXFSZ:
        return Reason.DISK
    if code == 0:
        return Reason.EXIT
    met = {Reason.OOM: killed, Reason.DISK: bool(reply.event["full"]), Reason.PIDS: refused}
    return next((reason for reason, true in met.items() if true), Reason.EXIT)
