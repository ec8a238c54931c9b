"""A sandbox of the process tier: for pods in which no namespaces can be made.

Landlock, the strict filter of system calls and no capabilities confine it, a warden per command
ends what it starts, and memory and disk are watched. It has no network at all, shares the host's
user and process numbers, and its workspace is a folder of the host's.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.sandbox.channel import Reply
from actors.sandbox.events import EventLog
from actors.sandbox.execution import Execution, carried_out, narrated
from actors.sandbox.files import SandboxFiles
from actors.sandbox.process import ProcessSpec
from actors.sandbox.wardens import Wardens
from actors.sandbox.watchdog import tree
from actors.sandbox.watched import LOOK_SECONDS, DiskLimit
from harness.domain.sandbox import (
    WORKSPACE,
    Bind,
    Chunk,
    Command,
    ExecResult,
    Reason,
    SandboxEvent,
    SandboxSpec,
)
from harness.errors import InvalidInput, TierUnavailable

READABLE = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"),
    *("/etc/ssl/certs", "/etc/localtime", "/etc/mime.types", "/etc/passwd", "/etc/group"),
    *("/dev/random", "/dev/urandom", "/proc/self", "/proc/meminfo", "/proc/cpuinfo"),
    *("/proc/stat", "/proc/filesystems", "/proc/sys/vm/overcommit_memory"),
)
"""Of the host, beside the interpreter's folder."""
WRITABLE = ("/dev/null", "/dev/zero", "/dev/full")
PAUSE_ROUNDS = 20


@dataclass(slots=True)
class ProcessTierSandbox:
    """Commands and files of one sandbox; see `Sandbox`."""

    spec: SandboxSpec
    folder: Path
    """Its own; removed with it."""
    _files: SandboxFiles = field(init=False)
    _wardens: Wardens = field(init=False)
    _events: EventLog = field(default_factory=EventLog)
    _executions: list[Execution] = field(default_factory=list)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _timer: asyncio.TimerHandle | None = None
    _watching: "asyncio.Task[None] | None" = None
    _closing: "asyncio.Task[None] | None" = None
    _reason: Reason | None = None

    def __post_init__(self) -> None:
        """Make its folders; needs a running event loop.

        Raises:
            InvalidInput: a bind would show something at another place than it is.
        """
        for bind in self.spec.binds:
            _check(bind)
        for name in ("workspace", "tmp"):
            (self.folder / name).mkdir(parents=True)
        handle = os.open(self.folder / "workspace", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._files = SandboxFiles(handle, None)
        self._wardens = Wardens(self._specify)
        self._watching = asyncio.get_running_loop().create_task(self._watch_disk())
        self.set_timeout(self.spec.lifetime_seconds)

    @property
    def files(self) -> SandboxFiles:
        """What is in its workspace."""
        return self._files

    @property
    def has_ended(self) -> bool:
        """Whether nothing can run in it any more."""
        return self._closing is not None

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
        """Start a command that runs beside others; what it leaves behind is ended with it."""
        command.check()
        if command.fds:
            raise InvalidInput("A command of the process tier cannot inherit descriptors.")
        execution = Execution(command, self._wardens, self)
        execution.start(dict(self.spec.environ), stream=stream)
        self._executions = [one for one in self._executions if not one.has_ended]
        self._executions.append(execution)
        return execution

    async def pause(self) -> None:
        """Stop everything in it; deadlines go on."""
        for _ in range(PAUSE_ROUNDS):  # who was forked meanwhile is met in the next round
            if not self._signal_all(signal.SIGSTOP):
                break
        self._events.add("sandbox.paused")

    async def resume(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)
        self._events.add("sandbox.resumed")

    async def listen(self, ports: Sequence[int]) -> Sequence[socket.socket]:
        """Never possible: raises TierUnavailable."""
        raise _no_network(f"listen on {list(ports)}")

    async def connect(self, port: int) -> socket.socket:
        """Never possible: raises TierUnavailable."""
        raise _no_network(f"connect to {port}")

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
        """End it with everything in it."""
        if self._closing is None:
            self._reason = reason
            self._events.add("sandbox.ended", reason=str(reason))
            self._closing = asyncio.get_running_loop().create_task(self._clean())

    async def wait(self) -> Reason:
        """Why it ended."""
        await self._ended.wait()
        return self._reason or Reason.KILLED

    async def close(self) -> None:
        """Kill it and give everything back."""
        self.kill()
        await self._ended.wait()

    def ends_stuck(self) -> None:
        """See `Keeper`."""
        self.kill()

    def hurries(self, *, on: bool) -> None:
        """See `Keeper`; nothing slows it down here."""

    def judges(self, reply: Reply | None) -> Reason:
        """See `Keeper`."""
        if self._reason is not None or reply is None:
            return self._reason or Reason.KILLED
        code = os.waitstatus_to_exitcode(int(reply.event.get("status", 127 << 8)))
        if reply.event.get("reason") == "oom":
            return Reason.OOM
        met = {-signal.SIGSYS: Reason.POLICY, -signal.SIGXFSZ: Reason.DISK}
        return met.get(code, Reason.EXIT)

    def _specify(self, message: dict[str, Any], descriptors: Sequence[int]) -> ProcessSpec:
        workspace, tmp = str(self.folder / "workspace"), str(self.folder / "tmp")
        environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
        environ |= {"HOME": workspace, "TMPDIR": tmp} | message["environ"]
        cwd = _within(message["cwd"], workspace)
        given = [bind.source for bind in self.spec.binds if bind.writable]
        shown = [bind.source for bind in self.spec.binds if not bind.writable]
        limits = self.spec.limits
        stdin, stdout, stderr = descriptors
        return ProcessSpec(
            argv=_argv(message, cwd, environ["PATH"]),
            cwd=cwd,
            env=environ,
            log=os.devnull,
            write_roots=[workspace, tmp, *WRITABLE, *given],
            read_roots=[*READABLE, sys.base_prefix, *shown],
            strict=True,
            stdio=(stdin, stdout, stderr),
            memory_bytes=limits.memory_bytes,
            rlimits={
                "RLIMIT_CORE": 1,
                "RLIMIT_NOFILE": limits.open_files,
                "RLIMIT_FSIZE": limits.file_bytes,
                "RLIMIT_MSGQUEUE": 0,
                "RLIMIT_MEMLOCK": 0,
            },
        )

    def _signal_all(self, signum: int) -> int:
        """How many got it that were not in that state."""
        met = 0
        for root in self._wardens.pids:
            for pid in tree(root):
                with contextlib.suppress(OSError):
                    met += signum == signal.SIGSTOP and not _is_stopped(pid)
                    os.kill(pid, signum)
        return met

    async def _watch_disk(self) -> None:
        limits = self.spec.limits
        disk = DiskLimit([self.folder], 2 * limits.disk_bytes)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if await asyncio.to_thread(disk.is_exceeded):
                for execution in self._executions:
                    execution.end(Reason.DISK)

    async def _clean(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        await self._wardens.close()
        self._files.close()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        self._ended.set()


def _check(bind: Bind) -> None:
    if bind.source != bind.target:
        raise InvalidInput(
            f"The process tier shows {bind.source} where it is, not at {bind.target}."
        )


def _argv(message: dict[str, Any], cwd: str, path: str) -> Sequence[str]:
    if "code" in message:
        return [sys.executable, "-I", "-S", "-c", message["code"]]
    first, *rest = message["argv"]
    if "/" in first:
        return [str(Path(cwd) / first), *rest]
    return [shutil.which(first, path=path) or f"/no/program/{first}", *rest]


def _within(path: str, workspace: str) -> str:
    """Commands name the workspace as they do in other tiers."""
    if path == WORKSPACE or path.startswith(WORKSPACE + "/"):
        return workspace + path.removeprefix(WORKSPACE)
    return path


def _is_stopped(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] in {"T", "Z", "X"}


def _no_network(what: str) -> TierUnavailable:
    return TierUnavailable(
        "process", ["network"], f"It cannot {what}.", "Use the tier namespace where that is."
    )
