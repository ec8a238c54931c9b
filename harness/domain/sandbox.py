"""What a sandbox is asked to be, what runs in it, and how that ended."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from harness.domain.sandbox_tier import Tier
from harness.errors import InvalidInput

WORKSPACE = "/workspace"
MOST_ASKED_BYTES = 128 << 10
"""Of one command with its environment or code: what is larger goes through a file."""

MOST_INPUT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of the host's that sandboxes see."""

    source: str
    target: str
    """Absolute, and outside of the private volumes' roots."""
    writable: bool = False
    """The folder's owner decides who may write, too: sandboxes run as users of their own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one sandbox may use."""

    memory_bytes: int = 512 << 20
    """Of all its processes together, with what lies in its volumes."""
    processes: int = 128
    """Threads count."""
    cpus: float = 1.0
    open_files: int = 1024
    """Of each process."""
    file_bytes: int = 256 << 20
    disk_bytes: int = 256 << 20
    """Of the workspace, and again of /tmp."""
    inodes: int = 16384
    shm_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """One sandbox. Those of equal tenant and binds share a template."""

    tenant: str
    binds: Sequence[Bind] = ()
    limits: Limits = Limits()
    environ: Mapping[str, str] = field(default_factory=dict)
    """Of every command in it."""
    lifetime_seconds: float = 3600.0
    """When it is ended, whatever goes on in it; see `set_timeout`."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something to execute: a file with arguments, or Python code in a warm interpreter."""

    argv: Sequence[str] = ()
    code: str = ""
    """Instead of `argv`: runs in a fork of an interpreter that is there, without site-packages."""
    cwd: str = WORKSPACE
    environ: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    timeout_seconds: float = 60.0
    output_bytes: int = 1 << 20
    """What is kept of each of its two outputs: the head and the tail."""
    output_limit_bytes: int = 256 << 20
    """What it may write at all before it is ended for `output`."""
    fds: Mapping[int, int] = field(default_factory=dict)
    """Numbers that it gets, from 3 to 63, and the descriptors of this process behind them."""

    def check(self) -> None:
        """Raise InvalidInput for what no sandbox could execute."""
        if bool(self.argv) == bool(self.code):
            raise InvalidInput("A command has either argv or code; give one of them.")
        if not all(3 <= number < 64 for number in self.fds):
            raise InvalidInput("Descriptors get the numbers 3 to 63 in a sandbox.")
        words = [*self.argv, self.code, self.cwd, *self.environ, *self.environ.values()]
        if len(self.stdin) > MOST_INPUT_BYTES:
            raise InvalidInput(f"More than {MOST_INPUT_BYTES} bytes of input belong into a file.")
        if any("\0" in word for word in words):
            raise InvalidInput("A command with a NUL character cannot be executed.")
        if sum(len(json.dumps(word)) + 4 for word in words) > MOST_ASKED_BYTES:
            raise InvalidInput(
                f"The command is larger than {MOST_ASKED_BYTES} bytes; write it to a file of the "
                "sandbox and execute that."
            )


class Reason(StrEnum):
    """Why something in a sandbox, or the sandbox itself, ended."""

    EXIT = "exit"
    TIMEOUT = "timeout"
    OOM = "oom"
    PIDS = "pids"
    DISK = "disk"
    OUTPUT = "output"
    POLICY = "policy"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command used."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the command and what it waited for."""
    peak_bytes: int = 0
    """Of its largest process, or of the whole sandbox so far where cgroups tell."""


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command ended; nothing that it started is left."""

    exit_code: int | None
    signal: int | None
    reason: Reason
    stdout: bytes
    stderr: bytes
    usage: Usage
    stdout_dropped: int = 0
    """Bytes left out between head and tail."""
    stderr_dropped: int = 0

    @property
    def ok(self) -> bool:
        """Whether it left by itself with success."""
        return self.exit_code == 0 and self.reason is Reason.EXIT


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of output while a command runs."""

    stream: str
    """stdout or stderr."""
    data: bytes


@dataclass(frozen=True, slots=True)
class SandboxRef:
    """Names a sandbox to those who may use it."""

    tenant: str
    id: str


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """A sandbox as it stands."""

    id: str
    tier: Tier
    limits: Limits
    created_at: datetime
    ends_at: datetime
    """When its lifetime is over."""
    is_paused: bool = False
    reason: Reason | None = None
    """Why it ended; None while it lives."""


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """A snapshot."""

    name: str
    bytes: int
    """On the disk of its node."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One name in a folder."""

    name: str
    kind: str
    """file, folder, link or other."""
    size: int
    mode: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class SandboxEvent:
    """Something that happened to a sandbox, in the past tense."""

    seq: int
    kind: str
    facts: Mapping[str, object]
