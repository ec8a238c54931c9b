"""Interpreters that have loaded pytest and wait for a suite, for the next run of the same kind."""

import asyncio
import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from actors.workers.suite_process import WAIT, Launch, SuiteProcess
from harness.domain.ids import TenantId
from harness.errors import Unavailable

MOST = 2
IDLE_SECONDS = 300.0
READY_SECONDS = 5.0
LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Kind:
    """Runs whose interpreters start alike: of one tenant, with the same program and variables."""

    tenant: TenantId
    launch: Launch

    @property
    def can_wait(self) -> bool:
        """Whether nothing at its start depends on the suite's folder."""
        paths = self.launch.env.get("PYTHONPATH", "/").split(os.pathsep)
        return all(os.path.isabs(path) for path in paths)  # noqa: PTH117 - as Python reads it

    @property
    def key(self) -> str:
        """The same for equal kinds."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True, slots=True)
class _Waiting:
    process: SuiteProcess
    expiry: asyncio.TimerHandle


@dataclass(slots=True)
class WarmProcesses:
    """At most a few waiting interpreters of one host; each serves one run and is never reused.

    Loading pytest takes longer than the tests of many suites. Nothing of a suite runs before its
    run begins, and no waiting process knows a secret.
    """

    folder: Path
    most: int = MOST
    idle_seconds: float = IDLE_SECONDS
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _count: int = 0
    _ending: set["asyncio.Task[None]"] = field(default_factory=set)

    async def take(self, kind: Kind, argv: Sequence[str], cwd: Path) -> SuiteProcess | None:
        """A waiting process of this kind that would have loaded the same if it began now."""
        found = self._waiting.pop(kind.key, None)
        if found is None:
            return None
        found.expiry.cancel()
        ready = await _ready(found.process)
        if ready and ready.is_current and not (_from_cwd(argv) and ready.is_hidden_by(cwd)):
            return found.process
        self._end(found.process)
        return None

    async def prepare(self, kind: Kind) -> None:
        """Let a process of this kind wait, if it can; the one that waited longest makes room."""
        if not kind.can_wait or kind.key in self._waiting:
            return
        self._count += 1
        place = self.folder / f"warm.{self._count}"
        try:
            process = await SuiteProcess.start(kind.launch, place, self.folder, Path("/"), WAIT)
        except Unavailable:
            return  # an aid only; the next run starts its own
        loop = asyncio.get_running_loop()
        expiry = loop.call_later(self.idle_seconds, self._expire, kind.key)
        self._waiting[kind.key] = _Waiting(process, expiry)
        while len(self._waiting) > self.most:
            self._expire(next(iter(self._waiting)))

    async def close(self) -> None:
        """End all that wait."""
        for key in list(self._waiting):
            self._expire(key)
        await asyncio.gather(*self._ending)

    def _expire(self, key: str) -> None:
        found = self._waiting.pop(key)
        found.expiry.cancel()
        self._end(found.process)

    def _end(self, process: SuiteProcess) -> None:
        ending = asyncio.create_task(process.discard())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a waiting process said of what it loaded."""

    packages: Path
    """The folder that pytest came from."""
    changed_ns: int
    """When something was last installed there, before pytest was loaded."""
    loaded: frozenset[str]
    """Top-level modules."""

    @property
    def is_current(self) -> bool:
        """Whether nothing was installed or removed since."""
        try:
            return self.packages.stat().st_mtime_ns == self.changed_ns
        except OSError:
            return False

    def is_hidden_by(self, cwd: Path) -> bool:
        """Whether a command that looks into its folder first would have loaded something there."""
        return any(path.name.partition(".")[0] in self.loaded for path in cwd.iterdir())


async def _ready(process: SuiteProcess) -> _Ready | None:
    """What it says as soon as it is ready; None when it does not."""
    loop = asyncio.get_running_loop()
    process.channel.setblocking(False)
    line = b""
    with contextlib.suppress(TimeoutError, OSError, ValueError, KeyError, TypeError):
        async with asyncio.timeout(READY_SECONDS):
            while not line.endswith(b"\n") and len(line) < LINE_BYTES:
                piece = await loop.sock_recv(process.channel, LINE_BYTES)
                if not piece:
                    return None
                line += piece
        told = json.loads(line)
        return _Ready(Path(told["packages"]), int(told["changed_ns"]), frozenset(told["loaded"]))
    return None


def _from_cwd(argv: Sequence[str]) -> bool:
    """Whether the command finds modules in its own folder before all others."""
    return Path(argv[0]).name.startswith("python")
