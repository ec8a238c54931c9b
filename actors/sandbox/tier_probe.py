"""Finds out what each tier holds on this machine, by running it and attacking it a little."""

import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from actors.sandbox.cgroup import GroupRoots, find_roots
from actors.sandbox.process import ProcessSandbox, ProcessSpec
from actors.sandbox.spec import Command, SandboxSpec
from actors.sandbox.template import Template
from actors.sandbox.tiers import Control, Hold, Tier, TierReport
from actors.sandbox.users import Users
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
    "own_processes": len([name for name in os.listdir("/proc") if name.isdigit()]) < 10,
    "network": fails(lambda: socket.create_connection(("127.0.0.1", %(port)d), 5)),
    "privileges": not int(status["CapBnd"], 16) and int(status["NoNewPrivs"]) == 1,
    "system_calls": int(status["Seccomp"]) == 2 and libc.unshare(0x10000000) != 0,
}))
"""
_READABLE = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/dev/null")
_ALWAYS = (Control.PROCESS_TREE_END, Control.OPEN_FILES, Control.OUTPUT)
_NOT_BUILT = "This version has no such tier."
_SEEN = (
    *(Control.READ_PROTECTION, Control.WRITE_PROTECTION, Control.OWN_PROCESSES),
    *(Control.NETWORK, Control.PRIVILEGES, Control.SYSTEM_CALLS),
)


async def probe_tiers() -> Mapping[Tier, TierReport]:
    """Every tier; one that fails never hides another."""
    return {
        Tier.VM: TierReport(Tier.VM, reason=_NOT_BUILT, fix="Choose namespace."),
        Tier.GVISOR: TierReport(Tier.GVISOR, reason=_NOT_BUILT, fix="Choose namespace."),
        Tier.NAMESPACE: await probe_namespace_tier(find_roots(), Users.of_this_process()),
        Tier.PROCESS: await probe_process_tier(),
        Tier.NONE: TierReport(Tier.NONE, dict.fromkeys(Control, Hold.ABSENT)),
    }


async def probe_namespace_tier(roots: GroupRoots | None, users: Users) -> TierReport:
    """Start one sandbox and let it try what it must not be able to do."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            seen = await _look_from_namespace(roots, users)
    except TierUnavailable as missing:
        return TierReport(Tier.NAMESPACE, reason=missing.reason, fix=missing.fix)
    except (HarnessError, TimeoutError, ValueError, OSError) as trouble:
        reason = str(trouble) or f"A sandbox did nothing for {PROBE_SECONDS:.0f} seconds."
        return TierReport(Tier.NAMESPACE, reason=reason, fix="See `ath doctor`.")
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
    return TierReport(Tier.NAMESPACE, holds, reason, fix)


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
    holds |= dict.fromkeys((Control.MEMORY, Control.DEADLINE), Hold.WATCHDOG)
    return TierReport(Tier.PROCESS, holds, "The tier has no more.", "Choose namespace.")


async def _look_from_namespace(roots: GroupRoots | None, users: Users) -> Mapping[str, bool]:
    template = await Template.start([], roots, users)
    try:
        sandbox = await template.spawn(SandboxSpec("probe"))
        try:
            with _bait() as (folder, port):
                code = _LOOK % {"secret": str(folder / "secret"), "port": port}
                said = (await sandbox.exec(Command(code=code))).stdout
        finally:
            await sandbox.close()
    finally:
        template.close()
    return _parsed(said)


async def _look_from_process() -> Mapping[str, bool]:
    with _bait() as (folder, port):
        own = folder / "own"
        own.mkdir()
        code = _LOOK % {"secret": str(folder / "secret"), "port": port}
        spec = ProcessSpec(
            argv=[sys.executable, "-I", "-S", "-c", code],
            cwd=str(own),
            env={},
            log=str(folder / "log"),
            write_roots=[str(own)],
            read_roots=[*_READABLE, sys.base_prefix, sys.prefix],
            strict=True,
        )
        sandbox = await ProcessSandbox.start(spec)
        try:
            await sandbox.wait()
        finally:
            await sandbox.close()
        return _parsed((folder / "log").read_bytes())


@contextmanager
def _bait() -> Iterator[tuple[Path, int]]:
    """A file that must not be read, and a port that must not be reached."""
    with (
        tempfile.TemporaryDirectory(prefix="ath-probe-") as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        (Path(folder) / "secret").write_text("bait")
        yield Path(folder), server.getsockname()[1]


def _parsed(said: bytes) -> Mapping[str, bool]:
    found = json.loads(said)
    return {str(name): bool(value) for name, value in found.items()}


def _hold(seen: bool) -> Hold:
    return Hold.ENFORCED if seen else Hold.ABSENT
