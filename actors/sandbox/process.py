"""The process tier from the host's side: one guarded process tree."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.errors import Unavailable

WARDEN = Path(__file__).with_name("warden.py")
START_SECONDS = 30.0
END_SECONDS = 30.0
LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run and within which bounds."""

    argv: Sequence[str]
    """The first word is an absolute path."""
    cwd: str
    env: Mapping[str, str]
    log: str
    """File that receives output and errors."""
    write_roots: Sequence[str] | None = None
    """Only below these may files be changed; None means no protection."""
    read_roots: Sequence[str] | None = None
    """Only below these and the former may files be read; needs write roots, None means all."""
    strict: bool = False
    """Whether nobody vouches for the command: no socket but pairs, no capability, no new namespace,
    no signal to processes outside, no look into others. Needs write roots."""
    fds: Sequence[int] = ()
    """Descriptors of this process that the command inherits under the same numbers."""
    stdio: tuple[int, int, int] | None = None
    """Descriptors of this process that are its input, output and errors instead of the log."""
    log_bytes: int = 8 << 20
    memory_bytes: int = 4 << 30
    deadline_seconds: float | None = None
    rlimits: Mapping[str, int] = field(
        default_factory=lambda: {
            "RLIMIT_CORE": 0,
            "RLIMIT_NOFILE": 65536,
            "RLIMIT_FSIZE": 8 << 30,
        }
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process tree came to its end; nothing of it is left."""

    exit_code: int | None
    signal: int | None
    reason: str
    """exit, timeout, oom, host_lost, or what the host gave as its reason."""
    peak_bytes: int = 0
    cpu_seconds: float = 0.0
    output_bytes: int = 0


@dataclass(slots=True)
class ProcessSandbox:
    """A running command with its warden."""

    pid: int
    """Of the command itself."""
    _warden: "subprocess.Popen[bytes]"
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    _ended: Ended | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def start(cls, spec: ProcessSpec) -> "ProcessSandbox":
        """Start the command.

        Raises:
            Unavailable: the warden did not start in time.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            warden = subprocess.Popen(
                [sys.executable, "-I", "-S", str(WARDEN), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                pass_fds=[theirs.fileno(), *spec.fds, *(spec.stdio or ())],
                start_new_session=True,
            )
        try:
            reader, writer, line = await _answered(ours, spec)
        except BaseException:  # cancelled: what was begun must end before anybody goes on
            await asyncio.shield(asyncio.to_thread(warden.wait, END_SECONDS))
            raise
        if not line:
            writer.close()
            warden.kill()
            raise Unavailable(f"The sandbox of {spec.argv[0]} did not start; see `ath doctor`.")
        return cls(json.loads(line)["pid"], warden, reader, writer)

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is left, as far as was heard."""
        return self._ended is not None or self._warden.poll() is not None

    def interrupt(self, reason: str, grace_seconds: float) -> None:
        """SIGINT to the command; SIGKILL to everything after the grace."""
        self._tell({"op": "interrupt", "reason": reason, "grace_seconds": grace_seconds})

    def kill(self, reason: str) -> None:
        """SIGKILL to everything."""
        self._tell({"op": "kill", "reason": reason})

    async def wait(self, seconds: float | None = None) -> Ended:
        """How it ended.

        Raises:
            TimeoutError: it did not within `seconds`.
        """
        async with self._lock:
            if self._ended is None:
                async with asyncio.timeout(seconds):
                    line = await self._reader.readline()
                self._ended = _ended(line)
                self._writer.close()
                await asyncio.to_thread(self._warden.wait)
        return self._ended

    async def close(self) -> None:
        """Kill what is left and wait for its end."""
        if self._ended is None:
            self.kill("closed")
            await self.wait(END_SECONDS)

    def _tell(self, command: Mapping[str, object]) -> None:
        if self._ended is None and not self._writer.is_closing():
            self._writer.write(json.dumps(command).encode() + b"\n")


async def _answered(
    control: socket.socket, spec: ProcessSpec
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    """The control connection of a warden that was told what to run, and its first line.

    None came in time if it is empty. Cancelling closes the connection, and so ends the warden.
    """
    reader, writer = await asyncio.open_connection(sock=control, limit=LINE_BYTES)
    try:
        writer.write(json.dumps(asdict(spec)).encode() + b"\n")
        async with asyncio.timeout(START_SECONDS):
            return reader, writer, await reader.readline()
    except TimeoutError:
        return reader, writer, b""
    except BaseException:
        writer.transport.abort()
        raise


def _ended(line: bytes) -> Ended:
    if not line:
        return Ended(None, 9, "warden_lost")
    found = json.loads(line)
    del found["ev"]
    return Ended(**found)
