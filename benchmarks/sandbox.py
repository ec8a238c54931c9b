"""Sandboxes beside a plain interpreter, bubblewrap and runc: `python -m benchmarks.sandbox`."""

import argparse
import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from actors.sandbox.cgroup import find_roots
from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from benchmarks.hogs import hogs
from benchmarks.rivals import Runc, bwrap
from benchmarks.table import Figure, show
from harness.domain.sandbox import Chunk, Command, SandboxSpec

CODE = "print('hello')"
SAID = b"hello\n"
INTERPRETER = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
PLAIN = [INTERPRETER, "-I", "-S", "-c", CODE]
"""As bare as what runs in a sandbox: site-packages may cost more than the interpreter."""
SPEC = SandboxSpec("benchmark")
CROWD = 40
"""Idle sandboxes whose memory is measured."""
AGENTS, COMMANDS, SERIES = 2, 8, 10
"""How throughput is measured: so many side by side, each so many commands, so often."""
INSIDE = (1, 100)
"""Processes in a sandbox that is killed."""
FORKS = """
import os, signal
for _ in range({}):
    if os.fork() == 0:
        signal.pause()
print('hello', flush=True)
signal.pause()
"""

Way = Callable[[], Awaitable[float]]
"""Does it once; gives milliseconds."""


@dataclass(frozen=True, slots=True)
class Rivals:
    """What else there is to compare with."""

    bwrap: str | None
    runc: Runc | None


@dataclass(slots=True)
class Times:
    """Milliseconds of each way, interleaved, and commands a second."""

    taken: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)

    def ratio(self, ours: str, theirs: str) -> float:
        """Of the medians of two ways."""
        return median(self.taken[ours]) / median(self.taken[theirs])

    def rate_ratio(self) -> float:
        """Commands a second over those in bubblewrap."""
        return median(self.rates["ours"]) / median(self.rates["bwrap"])

    def kill_p95(self) -> float:
        """Milliseconds, with as many processes inside as take longest."""
        return max(quantiles(self.taken[f"kill {each}"], n=20)[-1] for each in INSIDE)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--bwrap", default=shutil.which("bwrap"), help="path of bubblewrap")
    parser.add_argument("--runc", default=shutil.which("runc"), help="path of runc")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ath-benchmark-") as folder:
        runc = Runc.bundle(options.runc, Path(folder), PLAIN) if options.runc else None
        figures = asyncio.run(measure(options.rounds, Rivals(options.bwrap, runc)))
    show("sandbox", figures, as_json=options.json)
    return 0


async def measure(rounds: int, rivals: Rivals) -> Sequence[Figure]:
    """Every figure, on one template: of a quiet machine, then of one whose cores are all taken."""
    template = await Template.start([], find_roots(), Users.of_this_process())
    try:
        memory = await _idle_memory(template)
        quiet = await _measured(template, rounds, rivals)
        with hogs():
            loaded = await _measured(template, rounds, rivals)
    finally:
        template.close()
    return _figures({"quiet": quiet, "loaded": loaded}, memory)


async def _measured(template: Template, rounds: int, rivals: Rivals) -> Times:
    times = Times()
    async with _sandbox(template) as warm:
        ways = _ways(template, warm, rivals)
        for number in range(rounds + 1):
            # Whose turn comes after whose changes: the kernel tidies up after some of them.
            for name in _rotated(list(ways), number):
                taken = await ways[name]()
                if number:  # the first only warms caches
                    times.taken.setdefault(name, []).append(taken)
    if rivals.bwrap is not None:
        argv = bwrap(rivals.bwrap, PLAIN)
        for _ in range(SERIES):
            for name, agent in (
                ("ours", partial(_in_a_sandbox, template)),
                ("bwrap", partial(_in_bubblewrap, argv)),
            ):
                times.rates.setdefault(name, []).append(await _per_second(agent))
    return times


def _rotated(names: Sequence[str], by: int) -> Sequence[str]:
    first = by % len(names)
    return [*names[first:], *names[:first]]


def _ways(template: Template, warm: NamespaceSandbox, rivals: Rivals) -> Mapping[str, Way]:
    code, execve = Command(code=CODE), Command(argv=PLAIN)
    found: dict[str, Way] = {
        "python": lambda: _process(PLAIN),
        "fresh": lambda: _fresh(template, code),
        "warm": lambda: _command(warm, code),
        "execve": lambda: _command(warm, execve),
    }
    if rivals.runc is not None:
        runc = rivals.runc
        found["runc"] = lambda: _process(runc.argv())
    for count in INSIDE:
        found[f"kill {count}"] = partial(_killed, template, count)
    return found


def _figures(loads: Mapping[str, Times], memory: float) -> Sequence[Figure]:
    """The worse of quiet and loaded is the figure; the table shows both."""
    found = [
        _compared(loads, "warm_vs_python", "warm", "python", 0.5),
        _compared(loads, "warm_execve_vs_python", "execve", "python", 1.3),
        _compared(loads, "fresh_vs_isolated_python", "fresh", "python", 2.0),
    ]
    if "runc" in loads["quiet"].taken:
        found.append(_compared(loads, "fresh_vs_runc", "fresh", "runc", 0.5))
    if loads["quiet"].rates:
        found.append(
            Figure(
                "throughput_vs_bwrap",
                min(each.rate_ratio() for each in loads.values()),
                1.5,
                _both(loads, lambda each: median(each.rates["ours"]), "/s"),
                _both(loads, lambda each: median(each.rates["bwrap"]), "/s"),
                at_least=True,
            )
        )
    kills = max(each.kill_p95() for each in loads.values())
    return [
        *found,
        Figure("idle_pss_mib", memory, 8.0, f"{memory:.2f} MiB"),
        Figure("kill_ms", kills, 300.0, _both(loads, Times.kill_p95, " ms")),
    ]


def _compared(loads: Mapping[str, Times], key: str, ours: str, theirs: str, goal: float) -> Figure:
    return Figure(
        key,
        max(each.ratio(ours, theirs) for each in loads.values()),
        goal,
        _both(loads, lambda each: median(each.taken[ours]), " ms"),
        _both(loads, lambda each: median(each.taken[theirs]), " ms"),
    )


def _both(loads: Mapping[str, Times], of: Callable[[Times], float], unit: str) -> str:
    return ", ".join(f"{name} {of(each):.1f}{unit}" for name, each in loads.items())


async def _command(sandbox: NamespaceSandbox, command: Command, begun: float = 0.0) -> float:
    """Until the first byte is here; what follows is waited for, and not counted."""
    begun = begun or time.perf_counter()
    taken, said = 0.0, b""
    async for item in sandbox.exec_stream(command):
        taken = taken or time.perf_counter() - begun
        said += item.data if isinstance(item, Chunk) else b""
    _check(said)
    return taken * 1000


async def _fresh(template: Template, command: Command) -> float:
    """From nothing to the first byte."""
    begun = time.perf_counter()
    async with _sandbox(template) as made:
        return await _command(made, command, begun)


async def _process(argv: Sequence[str]) -> float:
    """The same of a program outside."""
    begun = time.perf_counter()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env={}) as started:  # noqa: ASYNC220 - nothing else runs
        if started.stdout is None:
            raise RuntimeError("Its output is a pipe.")
        said = os.read(started.stdout.fileno(), 100)
        taken = time.perf_counter() - begun
    _check(said)
    return taken * 1000


async def _killed(template: Template, count: int) -> float:
    """From the order to end it until nothing is left of it."""
    made = await template.spawn(SPEC)
    running = made.start(Command(code=FORKS.format(count - 1)), stream=True)
    async for _ in running.stream():
        break
    begun = time.perf_counter()
    made.kill()
    await made.wait()
    taken = time.perf_counter() - begun
    await made.close()
    await running.wait()
    return taken * 1000


async def _per_second(agent: Callable[[], Awaitable[None]]) -> float:
    begun = time.perf_counter()
    await asyncio.gather(*(agent() for _ in range(AGENTS)))
    return AGENTS * COMMANDS / (time.perf_counter() - begun)


async def _in_a_sandbox(template: Template) -> None:
    """One agent's Python commands in a sandbox of its own, which is made and ended with them."""
    async with _sandbox(template) as made:
        for _ in range(COMMANDS):
            _check((await made.exec(Command(code=CODE))).stdout)


async def _in_bubblewrap(argv: Sequence[str]) -> None:
    """The same commands, each in a sandbox that bubblewrap makes for it."""
    for _ in range(COMMANDS):
        # A thread costs less than a child watcher of asyncio's, which would be the rival's loss.
        _check(await asyncio.to_thread(_output, argv))


def _output(argv: Sequence[str]) -> bytes:
    return subprocess.run(argv, stdout=subprocess.PIPE, env={}, check=True).stdout


async def _idle_memory(template: Template) -> float:
    """MiB of one among many."""
    async with contextlib.AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(_sandbox(template)) for _ in range(CROWD)]
        return sum(map(_pss, crowd)) / CROWD / 2**20


@contextlib.asynccontextmanager
async def _sandbox(template: Template) -> AsyncIterator[NamespaceSandbox]:
    made = await template.spawn(SPEC)
    try:
        yield made
    finally:
        await made.close()


def _check(said: bytes) -> None:
    if said != SAID:
        raise RuntimeError(f"A command said {said!r}.")


def _pss(sandbox: NamespaceSandbox) -> int:
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
