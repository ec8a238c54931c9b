"""Values of the domain as messages, and back."""

import json
from dataclasses import fields
from typing import TYPE_CHECKING

from api.grpc.generated.ath.v1 import sandbox_pb2 as wire
from harness.domain.sandbox import (
    Chunk,
    Command,
    ExecResult,
    FileEntry,
    KeptFiles,
    Limits,
    SandboxEvent,
    SandboxSpec,
    SandboxStatus,
)
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = ("cwd", "timeout_seconds", "output_bytes", "output_limit_bytes")


def spec_of(tenant: str, asked: wire.CreateRequest) -> SandboxSpec:
    """What a sandbox is asked to be; what is absent is as it is everywhere."""
    names = [field.name for field in fields(Limits)]
    given = {name: getattr(asked.limits, name) for name in names if asked.limits.HasField(name)}
    spec = SandboxSpec(tenant, limits=Limits(**given), environ=dict(asked.environ))
    if not asked.HasField("lifetime_seconds"):
        return spec
    return SandboxSpec(tenant, (), spec.limits, spec.environ, asked.lifetime_seconds)


def tier_of(asked: wire.CreateRequest) -> Tier:
    """The tier that is asked for; InvalidInput when there is none of that name."""
    try:
        return Tier(asked.tier) if asked.HasField("tier") else Tier.NAMESPACE
    except ValueError:
        raise InvalidInput(f"There is no tier {asked.tier[:80]!r}.") from None


def demands_of(asked: wire.CreateRequest) -> "Mapping[Control, Hold]":
    """What is demanded; InvalidInput for controls and holds that are none."""
    try:
        return {Control(name): Hold(hold) for name, hold in asked.demands.items()}
    except ValueError as unknown:
        raise InvalidInput(f"The demands of a sandbox: {unknown}.") from None


def command_of(asked: wire.Command) -> Command:
    """The command that is asked for."""
    given = {name: getattr(asked, name) for name in _PLAIN if asked.HasField(name)}
    return Command(
        argv=tuple(asked.argv),
        code=asked.code,
        environ=dict(asked.environ),
        stdin=asked.stdin,
        **given,
    )


def status_message(status: SandboxStatus) -> wire.Sandbox:
    """A status as a message."""
    limits = {field.name: getattr(status.limits, field.name) for field in fields(Limits)}
    return wire.Sandbox(
        id=status.id,
        tier=status.tier,
        limits=wire.Limits(**limits),
        created_at=status.created_at.isoformat(),
        ends_at=status.ends_at.isoformat(),
        is_paused=status.is_paused,
        reason=status.reason,
    )


def result_message(result: ExecResult) -> wire.Result:
    """A result as a message."""
    return wire.Result(
        exit_code=result.exit_code,
        signal=result.signal,
        reason=result.reason,
        stdout=result.stdout,
        stderr=result.stderr,
        stdout_dropped=result.stdout_dropped,
        stderr_dropped=result.stderr_dropped,
        wall_seconds=result.usage.wall_seconds,
        cpu_seconds=result.usage.cpu_seconds,
        peak_bytes=result.usage.peak_bytes,
    )


def output_message(item: Chunk | ExecResult) -> wire.Output:
    """A piece of output, or the result, as a message."""
    if isinstance(item, ExecResult):
        return wire.Output(result=result_message(item))
    if item.stream == "stdout":
        return wire.Output(stdout=item.data)
    return wire.Output(stderr=item.data)


def entry_message(entry: FileEntry) -> wire.Entry:
    """A folder's entry as a message; bytes of its name that are no UTF-8 are written out."""
    name = entry.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return wire.Entry(
        name=name,
        kind=entry.kind,
        size=entry.size,
        mode=entry.mode,
        modified_ns=entry.modified_ns,
    )


def event_message(event: SandboxEvent) -> wire.Event:
    """An event as a message."""
    return wire.Event(seq=event.seq, kind=event.kind, facts_json=json.dumps(dict(event.facts)))


def snapshot_message(kept: KeptFiles) -> wire.Snapshot:
    """A snapshot as a message."""
    return wire.Snapshot(name=kept.name, bytes=kept.bytes)
