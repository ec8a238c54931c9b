"""Commands about sandboxes: run something in a fresh one, list them, end them."""

import base64
import codecs
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.table import Table

from cluster.cli.command import add_command
from cluster.cli.console import complain, out, say_json
from cluster.cli.options import AsJson
from cluster.cli.session import connect, connected
from harness.client import Sandbox
from harness.domain.exit_code import ExitCode, command_exit_code
from harness.domain.ids import TenantId
from harness.domain.principal import Principal, Role
from harness.domain.sandbox import Chunk, Command, ExecResult, Limits, Reason
from harness.domain.sandbox_tier import Tier
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.domain.visible_text import visible
from harness.errors import InvalidInput
from harness.settings import Settings, caller_environ

if TYPE_CHECKING:
    from harness.client.sandbox_calls import SandboxOptions

MIB = 1 << 20
MOST_STDIN_BYTES = 512 << 10
_SPARE_SECONDS = 60.0
"""What a sandbox may live beyond its one command."""
_WHY = {
    Reason.TIMEOUT: "it ran longer than --timeout says",
    Reason.OOM: "it needed more memory than --memory-mib says",
    Reason.PIDS: "it needed more processes and threads than --processes says",
    Reason.DISK: "it needed more disk than --disk-mib says",
    Reason.OUTPUT: "it wrote more than commands may",
    Reason.POLICY: "it made a system call that no command may make",
    Reason.KILLED: "somebody ended it, or its sandbox",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Run what nobody vouches for: no network, no files of yours.")
    for command in (run, list_sandboxes, kill, grant):
        add_command(group, command, name=command.__name__.partition("_")[0])
    app.add_typer(group, name="sandbox")


def run(  # each is an option of the command line
    command: Annotated[list[str], typer.Argument(help="After `--`: a program and its arguments.")],
    timeout: Annotated[float, typer.Option(help="Seconds until it is ended.")] = 60.0,
    memory_mib: Annotated[int, typer.Option(help="Memory of all it starts.")] = 512,
    disk_mib: Annotated[int, typer.Option(help="Of /workspace, and again of /tmp.")] = 256,
    processes: Annotated[int, typer.Option(help="With their threads.")] = 128,
    cpus: Annotated[float, typer.Option(help="Such as 0.5.")] = 1.0,
    tier: Annotated[Tier, typer.Option(help="See `ath doctor`.")] = Tier.NAMESPACE,
    env_var: Annotated[list[str] | None, typer.Option(help="NAME or NAME=VALUE.")] = None,
    file: Annotated[list[Path] | None, typer.Option(help="To copy into /workspace.")] = None,
    policy: Annotated[Path | None, typer.Option(help="What it may reach; else nothing.")] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="Pass standard input on.")] = False,
    as_json: AsJson = False,
) -> int:
    """Run a command in a fresh sandbox, and exit as it does: `ath sandbox run -- python3 x.py`."""
    told = Command(
        argv=tuple(command),
        environ=_variables(env_var or [], caller_environ()),
        stdin=_read(sys.stdin.buffer) if stdin else b"",
        timeout_seconds=timeout,
    )
    limits = Limits(memory_mib * MIB, processes, cpus, disk_bytes=disk_mib * MIB)
    lifetime = timeout + _SPARE_SECONDS
    options: SandboxOptions = {"limits": limits, "tier": tier, "lifetime_seconds": lifetime}
    if policy is not None:
        options["policy"] = _document(policy)
    with (
        connected(Settings.load()) as client,
        client.sandbox(**options) as box,
    ):
        _copy(file or [], box)
        result = box.exec(told) if as_json else _narrated(box, told)
    if as_json:
        say_json(_described(result))
    elif result.reason in _WHY:
        complain(f"The command was ended ({result.reason}): {_WHY[result.reason]}.")
    return command_exit_code(result)


def list_sandboxes(as_json: AsJson = False) -> int:
    """List the tenant's sandboxes that live."""
    with connect(Settings.load()) as client:
        found = client.sandboxes.list()
    if as_json:
        say_json([asdict(one) for one in found])
        return ExitCode.PASSED
    table = Table("sandbox", "tier", "memory", "cpus", "since", "ends", "", box=None)
    for one in found:
        since, ends = (
            at.astimezone().strftime("%Y-%m-%d %H:%M:%S") for at in (one.created_at, one.ends_at)
        )
        memory = f"{one.limits.memory_bytes // MIB} MiB"
        state = "paused" if one.is_paused else ""
        table.add_row(one.id, one.tier, memory, f"{one.limits.cpus:g}", since, ends, state)
    out.print(table)
    return ExitCode.PASSED


def kill(
    sandbox: Annotated[list[str] | None, typer.Argument(help="Its id; name several.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All of the tenant.")] = False,
) -> int:
    """End sandboxes with everything in them."""
    if every == bool(sandbox):
        raise InvalidInput("Say which sandboxes to end: either their ids, or --all.")
    with connect(Settings.load()) as client:
        for id in sandbox or [one.id for one in client.sandboxes.list()]:
            client.sandboxes.get(id).kill()
            out.print(f"{id} is gone.")
    return ExitCode.PASSED


def grant(
    name: Annotated[str, typer.Argument(help="Who the client is.")],
    folder: Annotated[Path, typer.Option(help="Where to write three files.")] = Path(),
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.MEMBER,
    tenant: Annotated[str, typer.Option(help="Whose sandboxes.")] = DEFAULT_SCOPE.tenant,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long.")] = 30,
) -> int:
    """Make a certificate for a client of the gRPC service, on the platform's own machine."""
    # No other command needs cryptography, and all would wait for it.
    from serve.authority import authority, write_private

    scope = Scope(TenantId(tenant), DEFAULT_SCOPE.project)
    Scope(TenantId(name), DEFAULT_SCOPE.project)  # a name that can be a file
    settings = Settings.load()
    if not settings.home.is_dir():
        raise InvalidInput(f"There is no platform in {settings.home}; `ath up` starts one.")
    signer = authority(settings)
    mine = signer.client(Principal(name, scope.tenant, role), timedelta(days=days))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.pem").write_bytes(signer.pem)
    (folder / f"{name}.pem").write_bytes(mine.chain)
    write_private(folder / f"{name}-key.pem", mine.key)
    out.print(f"{name} is {role} of tenant {tenant} for {days} days.")
    return ExitCode.PASSED


class Output:
    """Where a command's output goes: as it is into files and pipes, harmless onto a terminal."""

    def __init__(self, stream: BinaryIO, *, is_terminal: bool) -> None:
        """Write there."""
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace") if is_terminal else None

    def write(self, data: bytes, *, final: bool = False) -> None:
        """Write more."""
        if self._decoder is not None:
            data = visible(self._decoder.decode(data, final)).encode()
        self._stream.write(data)
        self._stream.flush()


def _narrated(box: Sandbox, command: Command) -> ExecResult:
    outputs = {
        "stdout": Output(sys.stdout.buffer, is_terminal=sys.stdout.isatty()),
        "stderr": Output(sys.stderr.buffer, is_terminal=sys.stderr.isatty()),
    }
    for item in box.exec_stream(command):
        if isinstance(item, Chunk):
            outputs[item.stream].write(item.data)
        else:
            for output in outputs.values():
                output.write(b"", final=True)
            return item
    raise AssertionError("a stream ends with a result or an error")


def _document(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failed:
        raise InvalidInput(f"--policy {file} cannot be read: {failed}.") from None


def _copy(files: Sequence[Path], box: Sandbox) -> None:
    for path in files:
        try:
            data, mode = path.read_bytes(), path.stat().st_mode & 0o755
        except OSError as trouble:
            raise InvalidInput(f"{path} cannot be read: {trouble.strerror}.") from trouble
        box.files.write(path.name, data, mode | 0o600)


def _variables(named: Sequence[str], environ: Mapping[str, str]) -> Mapping[str, str]:
    found = {}
    for word in named:
        name, given, value = word.partition("=")
        if not given and name not in environ:
            raise InvalidInput(f"--env-var {name}: there is no such variable here.")
        found[name] = value if given else environ[name]
    return found


def _read(stream: BinaryIO) -> bytes:
    data = stream.read(MOST_STDIN_BYTES + 1)
    if len(data) > MOST_STDIN_BYTES:
        raise InvalidInput(
            f"Standard input has more than {MOST_STDIN_BYTES} bytes. Pass a file: --file PATH"
        )
    return data


def _described(result: ExecResult) -> Mapping[str, object]:
    return asdict(result) | {
        **_text("stdout", result.stdout),
        **_text("stderr", result.stderr),
    }


def _text(name: str, data: bytes) -> Mapping[str, str]:
    """As the API tells it."""
    try:
        return {name: data.decode(), f"{name}_encoding": "text"}
    except UnicodeDecodeError:
        return {name: base64.b64encode(data).decode(), f"{name}_encoding": "base64"}
