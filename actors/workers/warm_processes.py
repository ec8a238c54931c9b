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
_OF_MODULES = {"", ".py", ".pyc", ".so"}
"""Suffixes of what can be imported from a folder; packages are folders, with none."""


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
        fits = False
        try:
            ready = await _ready(found.process)
            fits = ready is not None and ready.would_suit(argv, cwd)
        finally:  # also when whoever wanted it is cancelled
            if not fits:
                self._end(found.process)
        return found.process if fits else None

    async def prepare(self, kind: Kind) -> None:
        """Let a process of this kind wait, if it can; the one that waited longest makes room."""
        if not kind.can_wait or kind.key in self._waiting:
            return
        self._count += 1
        place = self.folder / f"warm.{self._count}"
        try:
            process = await SuiteProcess.start(kind.launch, place, self.folder, Path("/"), WAIT)
        except (Unavailable, OSError):
            return  # an aid only; the next run starts its own
        if kind.key in self._waiting:  # two runs of a kind ended together
            self._end(process)
            return
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

    def would_suit(self, argv: Sequence[str], cwd: Path) -> bool:
        """Whether a process that began with this command now would have loaded the same."""
        try:
            if self.packages.stat().st_mtime_ns != self.changed_ns:
                return False  # something was installed or removed since
        except OSError:
            return False
        looks_here_first = Path(argv[0]).name.startswith("python")
        return not (looks_here_first and self._is_hidden_by(cwd))

    def _is_hidden_by(self, cwd: Path) -> bool:
        modules = (path.name for path in cwd.iterdir() if path.suffix in _OF_MODULES)
        return any(name.partition(".")[0] in self.loaded for name in modules)


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
