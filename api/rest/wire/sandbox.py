"""Sandboxes on the wire."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints

from api.rest.wire.model import WireModel
from harness.domain.policy_version import MOST_TEXT
from harness.domain.sandbox import (
    MOST_ASKED_BYTES,
    WORKSPACE,
    Chunk,
    Command,
    ExecResult,
    FileEntry,
    Limits,
    Reason,
    SandboxEvent,
    SandboxSpec,
    SandboxStatus,
)
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.errors import InvalidInput

Encoding = Literal["text", "base64"]
Word = Annotated[str, StringConstraints(max_length=MOST_ASKED_BYTES)]
_DEFAULT = Limits()
_COMMAND = Command(argv=("true",))


class LimitsWire(WireModel):
    """What one sandbox may use."""

    memory_bytes: int = _DEFAULT.memory_bytes
    processes: int = _DEFAULT.processes
    cpus: float = _DEFAULT.cpus
    open_files: int = _DEFAULT.open_files
    file_bytes: int = _DEFAULT.file_bytes
    disk_bytes: int = _DEFAULT.disk_bytes
    inodes: int = _DEFAULT.inodes
    shm_bytes: int = _DEFAULT.shm_bytes


class DoorWire(WireModel):
    """The one way out of a sandbox."""

    agent: Annotated[str, StringConstraints(max_length=120)] = ""
    """Whose stored policy holds."""
    policy: Annotated[str, StringConstraints(max_length=MOST_TEXT)] | None = None
    """A policy document for this sandbox, as YAML; all that apply are intersected."""
    project: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = "default"
    """Whose secrets hold keys of models, and whose failures are known."""


class SandboxWire(WireModel):
    """What a sandbox is asked to be."""

    limits: LimitsWire = LimitsWire()
    environ: dict[str, Word] = Field(default_factory=dict)
    """Variables of every command in it."""
    lifetime_seconds: float = 3600.0
    tier: Tier = Tier.NAMESPACE
    demands: dict[Control, Hold] = Field(default_factory=dict)
    """Controls that have to hold at least so well."""
    snapshot: Annotated[str, StringConstraints(max_length=64)] | None = None
    """Whose files it begins with."""
    door: DoorWire | None = None
    """Without one there is no way out of it."""

    def spec(self, tenant: str) -> SandboxSpec:
        """The same for a tenant."""
        return SandboxSpec(
            tenant,
            limits=Limits(**self.limits.model_dump()),
            environ=self.environ,
            lifetime_seconds=self.lifetime_seconds,
        )


class JournalWire(WireModel):
    """What passed a sandbox's way out, or was refused."""

    entries: list[dict[str, Any]]  # Any: JSON
    next: int
    """Where to go on reading."""
    spent: dict[str, int]


class StatusWire(WireModel):
    """A sandbox as it stands."""

    id: str
    tier: Tier
    limits: LimitsWire
    created_at: datetime
    ends_at: datetime
    is_paused: bool
    reason: Reason | None
    """Why it ended; null while it lives."""


class SandboxList(WireModel):
    """Sandboxes that live, oldest first."""

    sandboxes: list[StatusWire]


class CommandWire(WireModel):
    """Something to execute: either argv or Python code."""

    argv: list[Word] = Field(default_factory=list)
    code: Word = ""
    cwd: Word = WORKSPACE
    environ: dict[str, Word] = Field(default_factory=dict)
    stdin: str = ""
    stdin_encoding: Encoding = "text"
    timeout_seconds: float = _COMMAND.timeout_seconds
    output_bytes: int = _COMMAND.output_bytes
    """What is kept of each of its two outputs: the head and the tail."""
    output_limit_bytes: int = _COMMAND.output_limit_bytes
    """What it may write at all before it is ended."""

    def command(self) -> Command:
        """The same for the host; InvalidInput when stdin is not what it says."""
        return Command(
            argv=tuple(self.argv),
            code=self.code,
            cwd=self.cwd,
            environ=self.environ,
            stdin=_decoded(self.stdin, self.stdin_encoding),
            timeout_seconds=self.timeout_seconds,
            output_bytes=self.output_bytes,
            output_limit_bytes=self.output_limit_bytes,
        )


class UsageWire(WireModel):
    """What a command used."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


class ResultWire(WireModel):
    """How a command ended; nothing that it started is left."""

    exit_code: int | None
    signal: int | None
    reason: Reason
    stdout: str
    stdout_encoding: Encoding
    """base64 when it is no UTF-8 text."""
    stderr: str
    stderr_encoding: Encoding
    stdout_dropped: int
    """Bytes left out between head and tail."""
    stderr_dropped: int
    usage: UsageWire


class ChunkWire(WireModel):
    """A piece of output; it may end within a character, and is base64 then."""

    stream: str
    data: str
    encoding: Encoding


class StartedWire(WireModel):
    """A command that runs beside others."""

    number: int


class WaitWire(WireModel):
    """How long to wait for a command."""

    seconds: Annotated[float, Field(ge=0, le=60)] = 30.0


class SignalWire(WireModel):
    """What a command's process group gets."""

    signal: Annotated[int, Field(ge=1, le=64)] = 15


class LifetimeWire(WireModel):
    """When a sandbox is ended, from now."""

    seconds: float


class SnapshotWire(WireModel):
    """Files that are kept."""

    snapshot: str


class KeptWire(WireModel):
    """Files that are kept, and what they take."""

    snapshot: str
    bytes: int


class SnapshotList(WireModel):
    """Snapshots, oldest first."""

    snapshots: list[KeptWire]


class ExposureWire(WireModel):
    """Where a port of a sandbox is reached on the node itself."""

    host: str
    port: int


class PortWire(WireModel):
    """A port in a sandbox."""

    port: Annotated[int, Field(ge=1, le=65535)]


class EntryWire(WireModel):
    """One name in a folder; bytes that are no UTF-8 are written out."""

    name: str
    kind: str
    size: int
    mode: int
    modified_ns: int


class FolderWire(WireModel):
    """What is in a folder, by name."""

    entries: list[EntryWire]


class SandboxEventWire(WireModel):
    """Something that happened to a sandbox."""

    seq: int
    kind: str
    facts: dict[str, JsonValue]


class SandboxEvents(WireModel):
    """The latest events in order."""

    events: list[SandboxEventWire]


def status_wire(status: SandboxStatus) -> StatusWire:
    """The status for the wire."""
    fields = {name: getattr(status, name) for name in StatusWire.model_fields}
    return StatusWire.model_construct(
        **fields | {"limits": LimitsWire.model_construct(**asdict(status.limits))}
    )


def result_wire(result: ExecResult) -> ResultWire:
    """The result for the wire."""
    stdout, stdout_encoding = _encoded(result.stdout)
    stderr, stderr_encoding = _encoded(result.stderr)
    return ResultWire.model_construct(
        exit_code=result.exit_code,
        signal=result.signal,
        reason=result.reason,
        stdout=stdout,
        stdout_encoding=stdout_encoding,
        stderr=stderr,
        stderr_encoding=stderr_encoding,
        stdout_dropped=result.stdout_dropped,
        stderr_dropped=result.stderr_dropped,
        usage=UsageWire.model_construct(**asdict(result.usage)),
    )


def chunk_wire(chunk: Chunk) -> ChunkWire:
    """The piece for the wire."""
    data, encoding = _encoded(chunk.data)
    return ChunkWire.model_construct(stream=chunk.stream, data=data, encoding=encoding)


def folder_wire(entries: Sequence[FileEntry]) -> FolderWire:
    """The folder for the wire."""
    found = [
        EntryWire.model_construct(**asdict(entry) | {"name": _shown(entry.name)})
        for entry in entries
    ]
    return FolderWire.model_construct(entries=found)


def events_wire(events: Sequence[SandboxEvent]) -> SandboxEvents:
    """Events for the wire."""
    found = [
        SandboxEventWire.model_construct(seq=one.seq, kind=one.kind, facts=dict(one.facts))
        for one in events
    ]
    return SandboxEvents.model_construct(events=found)


def _encoded(data: bytes) -> tuple[str, Encoding]:
    try:
        return data.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), "base64"


def _decoded(text: str, encoding: Encoding) -> bytes:
    if encoding == "text":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise InvalidInput(f"stdin is no base64: {wrong}.") from wrong


def _shown(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
