"""Groups of processes that the kernel limits together: cgroup v1 or v2, where they are writable."""

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.domain.sandbox import Limits

PREFIX = "ath-sandbox-"
REMOVE_SECONDS = 5.0
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.0005, 0.05
PERIOD_MICROSECONDS = 100_000
_NEEDED = ("memory", "pids", "cpu")
_serial = itertools.count(1)


@dataclass(frozen=True, slots=True)
class GroupRoots:
    """Below what this process may make groups."""

    folders: Mapping[str, Path]
    """By controller; with v2 all are the same."""
    version: int

    def create(self, limits: Limits) -> "Group":
        """A group with these limits.

        Raises:
            OSError: the kernel refused; nothing is left of it.
        """
        name = f"{PREFIX}{os.getpid()}-{_started(os.getpid())}-{next(_serial)}"
        places = {key: folder / name for key, folder in self.folders.items()}
        group = Group(places, self.version)
        try:
            for place in dict.fromkeys(places.values()):
                place.mkdir()
            group.limit(limits)
        except OSError:
            group.try_remove()
            raise
        return group


@dataclass(frozen=True, slots=True)
class Group:
    """The limits and counters of one sandbox."""

    places: Mapping[str, Path]
    version: int

    def limit(self, limits: Limits) -> None:
        """Set every limit; swap must not extend memory."""
        memory, pids = self.places["memory"], self.places["pids"]
        if self.version == 1:
            (memory / "memory.limit_in_bytes").write_text(str(limits.memory_bytes))
            _write_if_there(memory / "memory.memsw.limit_in_bytes", str(limits.memory_bytes))
        else:
            (memory / "memory.max").write_text(str(limits.memory_bytes))
            _write_if_there(memory / "memory.swap.max", "0")
        # The first process and what waits for it in the host's namespace count, too.
        (pids / "pids.max").write_text(str(limits.processes + 2))
        self.limit_cpus(limits.cpus)

    def limit_cpus(self, cpus: float | None) -> None:
        """Let it use so many; None means all there are."""
        quota = None if cpus is None else max(1000, int(cpus * PERIOD_MICROSECONDS))
        place = self.places["cpu"]
        if self.version == 1:
            (place / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (place / "cpu.cfs_quota_us").write_text(str(quota or -1))
        else:
            (place / "cpu.max").write_text(f"{quota or 'max'} {PERIOD_MICROSECONDS}")

    def entries(self) -> Sequence[int]:
        """Open files; a process that writes `0` into each is in the group."""
        # v1's `cgroup.procs` waits for all threads' locks: up to 14 ms against 0.2.
        name = "tasks" if self.version == 1 else "cgroup.procs"
        unique = dict.fromkeys(self.places.values())
        return [os.open(place / name, os.O_WRONLY | os.O_CLOEXEC) for place in unique]

    def oom_kills(self) -> int:
        """How often the kernel ended a process here for memory."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        return _counter(self.places["memory"] / name, "oom_kill")

    def refused_processes(self) -> int:
        """How often a process or thread was one too many."""
        return _counter(self.places["pids"] / "pids.events", "max")

    def peak_bytes(self) -> int:
        """The most memory that was used at once; 0 where the kernel does not tell."""
        name = "memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"
        try:
            return int((self.places["memory"] / name).read_text())
        except (OSError, ValueError):
            return 0

    def kill(self) -> None:
        """SIGKILL to whoever is in it."""
        for place in self.places.values():
            with contextlib.suppress(OSError):
                for pid in (place / "cgroup.procs").read_text().split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)

    def try_remove(self) -> bool:
        """Whether it is gone; it cannot go while somebody is in it."""
        for place in dict.fromkeys(self.places.values()):
            with contextlib.suppress(FileNotFoundError):
                try:
                    place.rmdir()
                except OSError:
                    return False
        return True

    async def remove(self) -> None:
        """Remove it when its processes are gone; what stays is swept with the next start."""
        pause = FIRST_PAUSE_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REMOVE_SECONDS):
                while not self.try_remove():  # the kernel signals nothing
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LAST_PAUSE_SECONDS)


def find_roots(proc: Path = Path("/proc/self"), mounts: Path | None = None) -> GroupRoots | None:
    """Where this process may make groups with memory, pids and cpu; None where it may not.

    Trying is the only way to know: a group is made and removed.
    """
    table = (mounts or proc / "mounts").read_text()
    own = _own_groups((proc / "cgroup").read_text())
    for roots in (_first_version(table, own), _second_version(table, own)):
        if roots is None:
            continue
        with contextlib.suppress(OSError):
            roots.create(Limits()).try_remove()
            return roots
    return None


def sweep(roots: GroupRoots) -> int:
    """End and remove groups whose makers are gone; says how many."""
    found = 0
    for folder in dict.fromkeys(roots.folders.values()):
        for place in folder.glob(PREFIX + "*"):
            if _maker_is_gone(place.name):
                group = Group({"pids": place}, roots.version)
                group.kill()
                found += group.try_remove()
    return found


def _maker_is_gone(name: str) -> bool:
    pid, _, rest = name.removeprefix(PREFIX).partition("-")
    started = rest.partition("-")[0]
    return pid.isdigit() and started != str(_started(int(pid)))


def _started(pid: int) -> int:
    """Tells two processes of one number apart; 0 where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[19])


def _own_groups(text: str) -> Mapping[str, str]:
    """Controller to the group this process is in; v2's controller is empty."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        _, names, path = line.split(":", 2)
        found |= dict.fromkeys(names.split(","), path)
    return found


def _first_version(table: str, own: Mapping[str, str]) -> GroupRoots | None:
    folders = {}
    for place, kind, options in _mounted(table):
        if kind == "cgroup":
            for name in set(options.split(",")) & set(_NEEDED):
                folders[name] = Path(place + own.get(name, "/"))
    return GroupRoots(folders, 1) if set(folders) == set(_NEEDED) else None


def _second_version(table: str, own: Mapping[str, str]) -> GroupRoots | None:
    """The own group or the one above it, whichever hands its controllers down."""
    for place, kind, _ in _mounted(table):
        if kind != "cgroup2":
            continue
        mine = Path(place + own.get("", "/"))
        for folder in (mine, mine.parent):
            if folder.is_relative_to(place) and _hands_down(folder):
                return GroupRoots(dict.fromkeys(_NEEDED, folder), 2)
    return None


def _hands_down(folder: Path) -> bool:
    control = folder / "cgroup.subtree_control"
    with contextlib.suppress(OSError):
        if not set(_NEEDED) <= set(control.read_text().split()):
            control.write_text(" ".join("+" + name for name in _NEEDED))
        return set(_NEEDED) <= set(control.read_text().split())
    return False


def _mounted(table: str) -> Iterator[tuple[str, str, str]]:
    for line in table.splitlines():
        words = line.split()
        if len(words) >= 4:
            yield words[1], words[2], words[3]


def _counter(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.split()[:1] == [name]]
    return int(found[0]) if found else 0


def _write_if_there(path: Path, text: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.write_text(text)
