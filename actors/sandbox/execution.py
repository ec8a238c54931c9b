"""One command in a sandbox, seen from the host: its outputs, its time, its result."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from actors.sandbox.capture import Capture
from actors.sandbox.channel import Reply, Requests
from harness.domain.sandbox import Chunk, Command, ExecResult, Reason, Usage
from harness.errors import Unavailable

END_SECONDS = 15.0
"""How long a killed command may take to be reported before its whole sandbox is ended."""
READ_BYTES = 1 << 16
WAITING_CHUNKS = 64
DRAIN_READS = 32


class Keeper(Protocol):
    """What a command's sandbox does about it."""

    def ends_stuck(self) -> None:
        """End the sandbox, for it cannot end one command."""
        ...

    def hurries(self, *, on: bool) -> None:
        """Give it all CPUs for a while: killed processes, too, need some to end."""
        ...

    def judges(self, reply: Reply | None) -> Reason:
        """Why a command ended that nobody here ended."""
        ...


@dataclass(slots=True)
class Execution:
    """A running command; `wait` gives how it ended."""

    _command: Command
    _channel: Requests
    _keeper: Keeper
    id: int = 0
    _reason: Reason | None = None
    _captures: dict[str, Capture] = field(default_factory=dict)
    _readers: dict[str, int] = field(default_factory=dict)
    _paused: set[str] = field(default_factory=set)
    _chunks: "asyncio.Queue[Chunk | None] | None" = None
    _running: "asyncio.Task[ExecResult] | None" = None

    def start(self, environ: dict[str, str], *, stream: bool = False) -> None:
        """Begin; needs a running event loop.

        Raises:
            Unavailable: the sandbox has ended.
        """
        self.id = self._channel.next_id()
        if stream:
            self._chunks = asyncio.Queue()
        ended = self._channel.expect(self.id)
        given = [_stdin(self._command.stdin), *map(self._pipe, ("stdout", "stderr"))]
        message = {
            "op": "exec",
            "id": self.id,
            "numbers": [0, 1, 2, *self._command.fds],
            "cwd": self._command.cwd,
            "environ": environ | dict(self._command.environ),
        }
        if self._command.argv:
            message["argv"] = list(self._command.argv)
        else:
            message["code"] = self._command.code
        try:
            self._channel.post(message, [*given, *self._command.fds.values()])
        except Unavailable:
            self._close()
            raise
        finally:
            for one in given:
                os.close(one)
        self._running = asyncio.get_running_loop().create_task(self._run(ended))

    @property
    def has_ended(self) -> bool:
        """Whether its result is there."""
        return self._running is None or self._running.done()

    async def wait(self) -> ExecResult:
        """How it ended. Cancelling this wait leaves it running."""
        if self._running is None:
            raise Unavailable("The command was not started.")
        return await asyncio.shield(self._running)

    async def stream(self) -> AsyncIterator[Chunk]:
        """Its output as it comes; who reads slowly slows the command down."""
        if self._chunks is None:
            return
        while (chunk := await self._chunks.get()) is not None:
            yield chunk
            if self._chunks.qsize() < WAITING_CHUNKS // 2:
                self._resume()

    def end(self, reason: Reason = Reason.KILLED) -> None:
        """Kill it with all that it started."""
        if self.has_ended or self._reason is not None:
            return
        self._reason = reason
        self._keeper.hurries(on=True)
        with contextlib.suppress(Unavailable):
            self._channel.post({"op": "end", "id": 0, "command": self.id})

    def signal(self, signum: int) -> None:
        """Signal the command's process group."""
        self._channel.post({"op": "signal", "id": 0, "command": self.id, "signum": signum})

    async def _run(self, ended: "asyncio.Future[Reply]") -> ExecResult:
        loop = asyncio.get_running_loop()
        began = loop.time()
        timer = loop.call_later(self._command.timeout_seconds, self.end, Reason.TIMEOUT)
        try:
            reply = await self._ended(ended)
        finally:
            timer.cancel()
            if self._reason is not None:
                self._keeper.hurries(on=False)
            for name in list(self._readers):
                self._drain(name)
            self._close()
        return self._result(reply, loop.time() - began)

    async def _ended(self, ended: "asyncio.Future[Reply]") -> Reply | None:
        """None when the sandbox ended with it."""
        while True:
            allowed = END_SECONDS if self._reason else self._command.timeout_seconds + END_SECONDS
            done, _ = await asyncio.wait([ended], timeout=allowed)
            if done:
                try:
                    return ended.result()
                except Unavailable:
                    return None
            if self._reason is not None:
                self._keeper.ends_stuck()
                return None

    def _result(self, reply: Reply | None, wall: float) -> ExecResult:
        event = reply.event if reply else {"status": signal.SIGKILL}
        code = os.waitstatus_to_exitcode(int(event.get("status", 127 << 8)))
        judged = self._keeper.judges(reply)  # in any case: it takes what happened off the counters
        out, err = (self._captures[name] for name in ("stdout", "stderr"))
        return ExecResult(
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            reason=self._reason or judged,
            stdout=out.kept,
            stderr=err.kept,
            usage=Usage(wall, float(event.get("cpu", 0.0)), int(event.get("peak", 0))),
            stdout_dropped=out.dropped,
            stderr_dropped=err.dropped,
        )

    def _pipe(self, name: str) -> int:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reader, False)
        self._captures[name] = Capture(self._command.output_bytes)
        self._readers[name] = reader
        asyncio.get_running_loop().add_reader(reader, self._hear, name)
        return writer

    def _hear(self, name: str) -> None:
        try:
            data = os.read(self._readers[name], READ_BYTES)
        except BlockingIOError:
            return
        if data:
            self._take(name, data)
        else:
            asyncio.get_running_loop().remove_reader(self._readers[name])

    def _take(self, name: str, data: bytes) -> None:
        self._captures[name].add(data)
        if sum(one.total for one in self._captures.values()) > self._command.output_limit_bytes:
            self.end(Reason.OUTPUT)
        if self._chunks is not None:
            self._chunks.put_nowait(Chunk(name, data))
            if self._chunks.qsize() >= WAITING_CHUNKS:
                asyncio.get_running_loop().remove_reader(self._readers[name])
                self._paused.add(name)

    def _resume(self) -> None:
        for name in self._paused & set(self._readers):
            asyncio.get_running_loop().add_reader(self._readers[name], self._hear, name)
        self._paused.clear()

    def _drain(self, name: str) -> None:
        """What is left in the pipe, which is little; never wait for its end."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(DRAIN_READS):
                if not (data := os.read(self._readers[name], READ_BYTES)):
                    return
                self._captures[name].add(data)
                if self._chunks is not None:
                    self._chunks.put_nowait(Chunk(name, data))

    def _close(self) -> None:
        loop = asyncio.get_running_loop()
        for reader in self._readers.values():
            loop.remove_reader(reader)
            os.close(reader)
        self._readers.clear()
        if self._chunks is not None:
            self._chunks.put_nowait(None)


def _stdin(data: bytes) -> int:
    """A file to read it from, which needs nobody to write."""
    if not data:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    made = os.memfd_create("stdin", os.MFD_CLOEXEC)
    view: Sequence[int] | memoryview = memoryview(data)
    while view:
        view = view[os.write(made, bytes(view)) :]
    os.lseek(made, 0, os.SEEK_SET)
    return made


async def carried_out(start: Callable[[], Execution]) -> ExecResult:
    """The result of a command that is started now; cancelling kills it."""
    execution = start()
    try:
        return await execution.wait()
    finally:
        execution.end()


async def narrated(start: Callable[[], Execution]) -> AsyncGenerator[Chunk | ExecResult, None]:
    """The output of a command as it comes, and its result last; it starts with the first step."""
    execution = start()
    try:
        async for chunk in execution.stream():
            yield chunk
        yield await execution.wait()
    finally:
        execution.end()
