"""What is asked of the API about sandboxes, and how its answers are read; no connection here."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict
from urllib.parse import quote

from harness.client.connection import Params
from harness.client.decode import decode
from harness.client.problem import error_in
from harness.domain.sandbox import (
    Chunk,
    Command,
    ExecResult,
    KeptFiles,
    Limits,
    Reason,
    SandboxStatus,
    Usage,
)
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.errors import Unavailable

BOXES = "/v1/sandboxes"
SPARE_SECONDS = 45.0
"""What an answer may take beyond a command's own deadline."""
EVENT_STREAM = {"Accept": "text/event-stream"}
Reply = Mapping[str, Any]  # Any: JSON of the API, decoded by use


class SandboxOptions(TypedDict, total=False):
    """What a sandbox is asked to be; what is left out is as the API says."""

    limits: Limits
    environ: Mapping[str, str]
    """Variables of every command in it."""
    lifetime_seconds: float
    """When it is ended, whatever goes on in it; an hour unless you say otherwise."""
    tier: Tier
    demands: Mapping[Control, Hold]
    """Controls that have to hold at least so well; TierUnavailable otherwise."""
    snapshot: str
    """Whose files it begins with."""
    policy: str
    """What it may reach, ask and spend, as a policy document; nothing if there is none."""
    agent: str
    """Whose stored policy holds, too."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    path: str
    params: Params = field(default_factory=dict)
    json: object = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    quiet_seconds: float | None = None
    once: bool = True
    """Whether doing it twice would not be the same as doing it once."""


def create(options: Mapping[str, object]) -> Call:
    """Make a sandbox."""
    return Call("POST", BOXES, json=_body(options))


def listing() -> Call:
    """The tenant's sandboxes."""
    return Call("GET", BOXES, once=False)


def snapshots() -> Call:
    """The tenant's snapshots."""
    return Call("GET", f"{BOXES}/snapshots", once=False)


def drop_snapshot(name: str) -> Call:
    """Keep a snapshot no longer."""
    return Call("DELETE", f"{BOXES}/snapshots/{quote(name, safe='')}", once=False)


@dataclass(frozen=True, slots=True)
class BoxCalls:
    """What is asked of one sandbox."""

    id: str

    @property
    def path(self) -> str:
        """Its address."""
        return f"{BOXES}/{quote(self.id, safe='')}"

    def status(self) -> Call:
        """How it stands."""
        return Call("GET", self.path, once=False)

    def journal(self, after: int) -> Call:
        """What passed its way out."""
        return Call("GET", f"{self.path}/journal", {"after": after}, once=False)

    def kill(self) -> Call:
        """End it."""
        return Call("DELETE", self.path, once=False)

    def exec(self, what: Command | Sequence[str], timeout_seconds: float | None) -> Call:
        """Run a command to its end."""
        command = _command(what, timeout_seconds)
        return Call(
            "POST",
            f"{self.path}/exec",
            json=_command_body(command),
            quiet_seconds=command.timeout_seconds + SPARE_SECONDS,
        )

    def start(self, what: Command | Sequence[str], timeout_seconds: float | None) -> Call:
        """Start a command beside others."""
        body = _command_body(_command(what, timeout_seconds))
        return Call("POST", f"{self.path}/commands", json=body)

    def wait(self, number: int, seconds: float) -> Call:
        """How a started command ended."""
        quiet = seconds + SPARE_SECONDS
        path = f"{self.path}/commands/{number}/wait"
        return Call("POST", path, json={"seconds": seconds}, quiet_seconds=quiet)

    def signal(self, number: int, signum: int) -> Call:
        """Signal a started command."""
        return Call("POST", f"{self.path}/commands/{number}/signal", json={"signal": signum})

    def end(self, number: int) -> Call:
        """Kill a started command."""
        return Call("DELETE", f"{self.path}/commands/{number}", once=False)

    def read(self, path: str) -> Call:
        """What a file holds."""
        return Call("GET", f"{self.path}/files", {"path": path}, once=False)

    def write(self, path: str, data: bytes | str, mode: int) -> Call:
        """Make or replace a file."""
        content = data.encode() if isinstance(data, str) else data
        params: Params = {"path": path, "mode": mode}
        return Call("PUT", f"{self.path}/files", params, content=content, once=False)

    def remove(self, path: str) -> Call:
        """Remove a file, a link or an empty folder."""
        return Call("DELETE", f"{self.path}/files", {"path": path})

    def entries(self, path: str) -> Call:
        """What is in a folder."""
        return Call("GET", f"{self.path}/folders", {"path": path}, once=False)

    def make_folder(self, path: str) -> Call:
        """Make a folder and those above it."""
        return Call("PUT", f"{self.path}/folders", {"path": path}, once=False)

    def snapshot(self) -> Call:
        """Keep its files."""
        return Call("POST", f"{self.path}/snapshots", quiet_seconds=60 + SPARE_SECONDS)

    def do(self, what: str) -> Call:
        """Pause or resume it."""
        return Call("POST", f"{self.path}/{what}", once=False)

    def set_timeout(self, seconds: float) -> Call:
        """End it that long from now."""
        return Call("PUT", f"{self.path}/lifetime", json={"seconds": seconds}, once=False)

    def expose(self, port: int) -> Call:
        """Lead a port of the node's loopback into it."""
        return Call("POST", f"{self.path}/exposures", json={"port": port}, once=False)

    def events(self, after: int) -> Call:
        """What happened to it."""
        return Call("GET", f"{self.path}/events", {"after": after}, once=False)

    def server(self, port: int, path: str) -> str:
        """The address of a server in it."""
        return f"{self.path}/ports/{port}/{path.lstrip('/')}"


@dataclass(slots=True)
class Hearing:
    """Makes pieces of output and the result out of the lines of an event stream."""

    kind: str = ""
    is_over: bool = False
    """Whether the result was told."""

    def hear(self, line: str) -> Chunk | ExecResult | None:
        """What this line completes, if it does.

        Raises:
            HarnessError: what went wrong after the stream had begun.
        """
        name, _, value = line.partition(": ")
        if name == "event":
            self.kind = value
        if name != "data":
            return None
        told = json.loads(value)
        if self.kind == "problem":
            raise error_in(told, "the stream of a command")
        if self.kind == "output":
            return Chunk(told["stream"], _bytes(told, "data", told["encoding"]))
        self.is_over = True
        return result_of(told)

    def end(self) -> None:
        """Raise Unavailable unless the result was told."""
        if not self.is_over:
            raise Unavailable("The connection broke while a command ran, which was ended with it.")


def status_of(told: Reply) -> SandboxStatus:
    """A status of the API's."""
    return decode(SandboxStatus, told)


def statuses_of(told: Reply) -> Sequence[SandboxStatus]:
    """The statuses of a list."""
    return [decode(SandboxStatus, one) for one in told["sandboxes"]]


def kept_of(told: Reply) -> Sequence[KeptFiles]:
    """The snapshots of a list."""
    return [KeptFiles(one["snapshot"], one["bytes"]) for one in told["snapshots"]]


def result_of(told: Reply) -> ExecResult:
    """A result of the API's."""
    return ExecResult(
        exit_code=told["exit_code"],
        signal=told["signal"],
        reason=Reason(told["reason"]),
        stdout=_bytes(told, "stdout", told["stdout_encoding"]),
        stderr=_bytes(told, "stderr", told["stderr_encoding"]),
        usage=decode(Usage, told["usage"]),
        stdout_dropped=told["stdout_dropped"],
        stderr_dropped=told["stderr_dropped"],
    )


def forked(options: Mapping[str, object], status: SandboxStatus) -> dict[str, object]:
    """What another sandbox is asked to be that shall be like this one."""
    return {"limits": status.limits, "tier": status.tier} | dict(options)


def _bytes(told: Reply, name: str, encoding: str) -> bytes:
    text = str(told[name])
    return base64.b64decode(text) if encoding == "base64" else text.encode()


def _body(options: Mapping[str, object]) -> dict[str, object]:
    body = {name: value for name, value in options.items() if value is not None}
    if isinstance(limits := body.get("limits"), Limits):
        body["limits"] = asdict(limits)
    door = {name: body.pop(name) for name in ("policy", "agent") if name in body}
    if door:
        body["door"] = door
    for name in ("environ", "demands"):
        if isinstance(value := body.get(name), Mapping):
            body[name] = dict(value)
    return body


def _command(what: Command | Sequence[str], timeout_seconds: float | None) -> Command:
    command = what if isinstance(what, Command) else Command(argv=tuple(what))
    if timeout_seconds is None:
        return command
    fields = {name: getattr(command, name) for name in command.__dataclass_fields__}
    return Command(**fields | {"timeout_seconds": timeout_seconds})


def _command_body(command: Command) -> dict[str, object]:
    command.check()
    return {
        "argv": list(command.argv),
        "code": command.code,
        "cwd": command.cwd,
        "environ": dict(command.environ),
        "stdin": base64.b64encode(command.stdin).decode(),
        "stdin_encoding": "base64",
        "timeout_seconds": command.timeout_seconds,
        "output_bytes": command.output_bytes,
        "output_limit_bytes": command.output_limit_bytes,
    }
