"""The most that a tenant may ask of a sandbox and of a command in it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from harness.domain.sandbox import Command, Limits, SandboxSpec
from harness.errors import InvalidInput

LEAST = Limits(
    memory_bytes=4 << 20,
    processes=1,
    cpus=0.05,
    open_files=64,
    file_bytes=4096,
    disk_bytes=64 << 10,
    inodes=16,
    shm_bytes=4096,
)
"""With less nothing starts."""
MOST = Limits(
    memory_bytes=2 << 30,
    processes=1024,
    cpus=2.0,
    open_files=4096,
    file_bytes=1 << 30,
    disk_bytes=1 << 30,
    inodes=131_072,
    shm_bytes=512 << 20,
)
MOST_ENVIRON_BYTES = 16 << 10
MOST_ARGUMENTS = 10_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


@dataclass(frozen=True, slots=True)
class SandboxBounds:
    """What is refused beyond; nothing is silently made smaller."""

    limits: Limits = MOST
    """Of one sandbox."""
    lifetime_seconds: float = 24 * 3600.0
    command_seconds: float = 3600.0
    output_bytes: int = 4 << 20
    """What may be kept of each output."""
    output_limit_bytes: int = 256 << 20

    def admit(self, spec: SandboxSpec) -> None:
        """Let a spec pass that asks for no more than these bounds.

        Raises:
            InvalidInput: names what is asked for, and how much may be.
        """
        if spec.binds:
            raise InvalidInput("What a sandbox sees of the host is not for its tenant to say.")
        for name in (one.name for one in fields(Limits)):
            least, most = getattr(LEAST, name), getattr(self.limits, name)
            _within(f"limits.{name}", getattr(spec.limits, name), least, most)
        self.admit_lifetime(spec.lifetime_seconds)
        _check_environ(spec.environ)

    def admit_lifetime(self, seconds: float) -> None:
        """The same for a lifetime from now on."""
        _within("lifetime_seconds", seconds, 0.1, self.lifetime_seconds)

    def allow(self, command: Command) -> None:
        """The same for a command.

        Raises:
            InvalidInput: it asks for too much, or could not be executed.
        """
        if command.fds:
            raise InvalidInput("A command cannot inherit descriptors of another process.")
        if len(command.argv) > MOST_ARGUMENTS:
            raise InvalidInput(f"A command has {MOST_ARGUMENTS} arguments at most.")
        command.check()
        _check_environ(command.environ)
        _within("timeout_seconds", command.timeout_seconds, 0.001, self.command_seconds)
        _within("output_bytes", command.output_bytes, 0, self.output_bytes)
        _within("output_limit_bytes", command.output_limit_bytes, 0, self.output_limit_bytes)


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:  # also what is no number
        raise InvalidInput(f"{name} is {value}, and has to be from {least} to {most} here.")


def _check_environ(environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        if not _NAME.fullmatch(name) or "\0" in value:
            raise InvalidInput(f"{name[:80]!r} cannot be a variable of a command.")
    if len(json.dumps(dict(environ))) > MOST_ENVIRON_BYTES:
        raise InvalidInput(
            f"The variables are larger than {MOST_ENVIRON_BYTES} bytes; write them to a file."
        )
