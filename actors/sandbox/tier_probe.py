"""Finds out what each tier holds on this machine, by running it and attacking it a little."""

import asyncio
import json
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from actors.sandbox.cgroup import GroupRoots, find_roots
from actors.sandbox.gvisor import INSTALL, RUNSC, gvisor_kind
from actors.sandbox.process_tier import ProcessTierSandbox
from actors.sandbox.template import Template, TemplateKind
from actors.sandbox.users import Users
from harness.domain.sandbox import Command, SandboxSpec
from harness.domain.sandbox_tier import Control, Hold, Tier, TierReport
from harness.errors import HarnessError, TierUnavailable

PROBE_SECONDS = 20.0
"""A tier that takes longer is one that hangs."""

_LOOK = """
import ctypes, json, os, socket
def fails(call, *arguments):
    try:
        return call(*arguments) is False
    except OSError:
        return True
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
libc = ctypes.CDLL(None)
print(json.dumps({
    "read_protection": fails(open, %(secret)r),
    "write_protection": fails(open, %(secret)r + ".new", "w") and fails(open, "/usr/ath", "w"),
    "own_processes": fails(os.kill, %(pid)d, 0) and fails(open, "/proc/%(pid)d/cmdline"),
    "network": fails(lambda: socket.create_connection(("127.0.0.1", %(port)d), 5)),
    "privileges": not int(status["CapBnd"], 16) and int(status["NoNewPrivs"]) == 1,
    "system_calls": int(status["Seccomp"]) == 2 and libc.unshare(0x10000000) != 0,
}))
"""
_ALWAYS = (Control.PROCESS_TREE_END, Control.OPEN_FILES, Control.OUTPUT)
_NOT_BUILT = "This version begins no virtual machines."
_VM_FIX = (
    "Choose gvisor or namespace; on Kubernetes, give the pods a RuntimeClass of virtual machines."
)
_FIXES = {Tier.NAMESPACE: "See `ath doctor`.", Tier.GVISOR: f"Try `runsc do true`. {INSTALL}"}
_SEEN = (
    *(Control.READ_PROTECTION, Control.WRITE_PROTECTION, Control.OWN_PROCESSES),
    *(Control.NETWORK, Control.PRIVILEGES, Control.SYSTEM_CALLS),
)


async def probe_tiers(runsc: str = RUNSC) -> Mapping[Tier, TierReport]:
    """Every tier; one that fails never hides another."""
    roots, users = find_roots(), Users.of_this_process()
    return {tier: await probe_tier(tier, roots, users, runsc) for tier in Tier}


async def probe_tier(
    tier: Tier, roots: GroupRoots | None, users: Users, runsc: str = RUNSC
) -> TierReport:
    """One tier, with what this process may use for it."""
    match tier:
        case Tier.NAMESPACE:
            return await probe_namespace_tier(roots, users)
        case Tier.GVISOR:
            return await probe_gvisor_tier(roots, users, runsc)
        case Tier.PROCESS:
            return await probe_process_tier()
        case Tier.NONE:
            return TierReport(tier, dict.fromkeys(Control, Hold.ABSENT))
        case _:
            return TierReport(tier, reason=_NOT_BUILT, fix=_VM_FIX)


async def probe_namespace_tier(roots: GroupRoots | None, users: Users) -> TierReport:
    """Start one sandbox and let it try what it must not be able to do."""
    return await _probed(Tier.NAMESPACE, TemplateKind(), roots, users)


async def probe_gvisor_tier(
    roots: GroupRoots | None, users: Users, runsc: str = RUNSC
) -> TierReport:
    """The same, served by gVisor."""
    try:
        kind = gvisor_kind(runsc, users)
    except TierUnavailable as missing:
        return TierReport(Tier.GVISOR, reason=missing.reason, fix=missing.fix)
    return await _probed(Tier.GVISOR, kind, roots, users)


async def _probed(
    tier: Tier, kind: TemplateKind, roots: GroupRoots | None, users: Users
) -> TierReport:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            seen = await _look_from_template(kind, roots, users)
    except TierUnavailable as missing:
        return TierReport(tier, reason=missing.reason, fix=missing.fix)
    except (HarnessError, TimeoutError, ValueError, OSError) as trouble:
        reason = str(trouble) or f"A sandbox did nothing for {PROBE_SECONDS:.0f} seconds."
        return TierReport(tier, reason=reason, fix=_FIXES[tier])
    grouped = Hold.ENFORCED if roots else Hold.WATCHDOG
    holds = {one: _hold(seen[one]) for one in _SEEN}
    holds |= dict.fromkeys((*_ALWAYS, Control.DISK, Control.INODES), Hold.ENFORCED)
    holds |= {
        Control.OWN_USER: _hold(users.available),
        Control.PROCESS_COUNT: Hold.ENFORCED,
        Control.MEMORY: grouped,
        Control.CPU: _hold(roots is not None),
        Control.DEADLINE: Hold.WATCHDOG,
    }
    reason = "" if roots else "No cgroup can be made here."
    fix = "" if roots else "Run as root, or delegate a cgroup with memory, pids and cpu."
    return TierReport(tier, holds, reason, fix)


async def probe_process_tier() -> TierReport:
    """Start one command in its strict form and let it try the same."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            seen = await _look_from_process()
    except (HarnessError, TimeoutError, ValueError, OSError) as trouble:
        reason = str(trouble) or f"A command did nothing for {PROBE_SECONDS:.0f} seconds."
        return TierReport(Tier.PROCESS, reason=reason, fix="Use a kernel with Landlock (5.13).")
    holds = {one: _hold(seen[one]) for one in _SEEN}
    holds |= dict.fromkeys(_ALWAYS, Hold.ENFORCED)
    watched = (Control.MEMORY, Control.DISK, Control.DEADLINE)
    holds |= dict.fromkeys(watched, Hold.WATCHDOG)
    return TierReport(Tier.PROCESS, holds, "The tier has no more.", "Choose namespace.")


async def _look_from_template(
    kind: TemplateKind, roots: GroupRoots | None, users: Users
) -> Mapping[str, bool]:
    template = await Template.start([], roots, users, kind)
    try:
        sandbox = await template.spawn(SandboxSpec("probe"))
        try:
            with _bait() as (_, code):
                said = (await sandbox.exec(Command(code=code))).stdout
        finally:
            await sandbox.close()
    finally:
        template.close()
    return _parsed(said)


async def _look_from_process() -> Mapping[str, bool]:
    with _bait() as (folder, code):
        sandbox = ProcessTierSandbox(SandboxSpec("probe"), folder / "sandbox")
        try:
            said = (await sandbox.exec(Command(code=code))).stdout
        finally:
            await sandbox.close()
    return _parsed(said)


@contextmanager
def _bait() -> Iterator[tuple[Path, str]]:
    """A folder, and code that tries to read a file of it and to reach a port and this process."""
    with (
        tempfile.TemporaryDirectory(prefix="ath-probe-") as name,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        folder, port = Path(name), server.getsockname()[1]
        (folder / "secret").write_text("bait")
        facts = {"secret": str(folder / "secret"), "port": port, "pid": os.getpid()}
        yield folder, _LOOK % facts


def _parsed(said: bytes) -> Mapping[str, bool]:
    found = json.loads(said)
    return {str(name): bool(value) for name, value in found.items()}


def _hold(seen: bool) -> Hold:
    return Hold.ENFORCED if seen else Hold.ABSENT
