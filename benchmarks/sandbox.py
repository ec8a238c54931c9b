"""Sandboxes beside a plain interpreter and bubblewrap: `python -m benchmarks.sandbox`."""

import argparse
import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from actors.sandbox.cgroup import find_roots
from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from benchmarks.table import Figure, show
from harness.domain.sandbox import Command, SandboxSpec

CODE = "print('hello')"
SAID = b"hello\n"
INTERPRETER = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
PLAIN = [INTERPRETER, "-I", "-S", "-c", CODE]
"""As bare as what runs in a sandbox: site-packages may cost more than the interpreter."""
SPEC = SandboxSpec("benchmark")
CROWD = 40
"""Sandboxes that exist beside the one that is measured."""


@dataclass(slots=True)
class Times:
    """Milliseconds of each way, interleaved."""

    taken: dict[str, list[float]] = field(default_factory=dict)

    async def time(self, name: str, way: Callable[[], Awaitable[bytes]]) -> None:
        """Once, until the result is there.

        Raises:
            RuntimeError: it said something else than it should.
        """
        begun = time.perf_counter()
        said = await way()
        self.taken.setdefault(name, []).append((time.perf_counter() - begun) * 1000)
        if said != SAID:
            raise RuntimeError(f"{name} said {said!r}.")

    def ratio(self, key: str, ours: str, theirs: str, goal: float) -> Figure:
        """The medians of two ways."""
        mine, other = (median(self.taken[name]) for name in (ours, theirs))
        return Figure(key, mine / other, goal, f"{mine:.2f} ms", f"{other:.2f} ms")


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--bwrap", default=shutil.which("bwrap"), help="path of bubblewrap")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.rounds, options.bwrap))
    show("sandbox", figures, as_json=options.json)
    return 0


async def measure(rounds: int, bwrap: str | None) -> Sequence[Figure]:
    """Every figure, on one template."""
    template = await Template.start([], find_roots(), Users.of_this_process())
    try:
        times = Times()
        warm = await template.spawn(SPEC)
        await _rounds(times, template, warm, rounds, bwrap)
        await warm.close()
        crowd = [await template.spawn(SPEC) for _ in range(CROWD)]
        memory = sum(map(_pss, crowd)) / CROWD / 2**20
        for _ in range(rounds):
            await _fresh(times, "fresh in a crowd", template)
            await times.time("warm in a crowd", lambda: _warm(crowd[0]))
        for one in crowd:
            await one.close()
    finally:
        template.close()
    return _figures(times, memory)


async def _rounds(
    times: Times, template: Template, warm: NamespaceSandbox, rounds: int, bwrap: str | None
) -> None:
    for number in range(rounds + 1):
        if number == 1:
            times.taken.clear()  # the first only warmed caches
        await times.time("python", lambda: _run(PLAIN))
        await _fresh(times, "fresh", template)
        await times.time("warm", lambda: _warm(warm))
        await times.time("executed", lambda: _executed(warm))
        if bwrap:
            await times.time("bwrap", lambda: _run([*_hardened(str(bwrap)), *PLAIN]))


def _figures(times: Times, memory: float) -> Sequence[Figure]:
    found = [
        times.ratio("fresh_vs_python", "fresh", "python", 1.5),
        times.ratio("warm_vs_python", "warm", "python", 0.6),
        times.ratio("executed_vs_python", "executed", "python", 1.5),
        times.ratio("end_vs_python", "end of fresh", "python", 1.0),
        times.ratio("fresh_growth", "fresh in a crowd", "fresh", 1.25),
        times.ratio("warm_growth", "warm in a crowd", "warm", 1.25),
        Figure("idle_pss_mib", memory, 6.0, f"{memory:.2f} MiB"),
    ]
    if "bwrap" in times.taken:
        found.insert(3, times.ratio("fresh_vs_bwrap", "fresh", "bwrap", 1.0))
    return found


async def _fresh(times: Times, name: str, template: Template) -> None:
    """From nothing to a result; then, by itself, from the order to end to nothing being left."""
    made: list[NamespaceSandbox] = []

    async def begin() -> bytes:
        made.append(await template.spawn(SPEC))
        return await _warm(made[0])

    async def end() -> bytes:
        made[0].kill()
        await made[0].wait()
        return SAID

    await times.time(name, begin)
    await times.time(f"end of {name}", end)


async def _warm(sandbox: NamespaceSandbox) -> bytes:
    return (await sandbox.exec(Command(code=CODE))).stdout


async def _executed(sandbox: NamespaceSandbox) -> bytes:
    return (await sandbox.exec(Command(argv=PLAIN))).stdout


async def _run(argv: Sequence[str]) -> bytes:
    return subprocess.run(argv, stdout=subprocess.PIPE, env={}, check=True).stdout  # noqa: ASYNC221 - nothing else runs


def _hardened(bwrap: str) -> list[str]:
    """As much of the same as bubblewrap offers by itself: no filter, no limits."""
    shown = ["--ro-bind", "/usr", "/usr", "--ro-bind", sys.base_prefix, sys.base_prefix]
    for name in ("bin", "sbin", "lib", "lib64"):
        shown += ["--symlink", f"usr/{name}", f"/{name}"]
    private = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--remount-ro", "/"]
    return [bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
            *shown, *private]  # fmt: skip


def _pss(sandbox: NamespaceSandbox) -> float:
    """Of its first process and the one that waits for it."""
    stat = Path(f"/proc/{sandbox.pid}/stat").read_text()
    parent = int(stat.rpartition(")")[2].split()[1])
    return sum(_own_pss(pid) for pid in (sandbox.pid, parent))


def _own_pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
