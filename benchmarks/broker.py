"""What the door of a sandbox adds to a call, and what it carries: `python -m benchmarks.broker`."""

import argparse
import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from benchmarks.broker_streams import TOKENS_A_SECOND, lateness
from benchmarks.table import Figure, show

BEHIND_SECONDS = 2 / TOKENS_A_SECOND
"""Tokens of which one in a hundred is later than the second one after it have fallen behind."""
STEPS = (25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1250, 1500, 2000)
STREAM_SECONDS = 4.0
GOAL_STREAMS = 100
WARM_ROUNDS = 10
ASKED = {"model": "local/m", "messages": [{"role": "user", "content": "Say hello."}]}

_Call = Callable[[], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True)
class Sides:
    """Ports of what is measured, and the door's process."""

    door: int
    far: Mapping[str, Any]  # Any: ports, and who signs for HTTPS
    signed: str
    """Who signs for the hosts that the door reads."""
    proxy: int
    gateways: Sequence[int]


@dataclass(frozen=True, slots=True)
class Overhead:
    """Medians of one kind of call, in milliseconds."""

    through: float
    straight: float

    @property
    def added(self) -> float:
        """What the door adds."""
        return self.through - self.straight


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.broker", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=STREAM_SECONDS, help="of each stream")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with sides() as found:
        figures = asyncio.run(measure(found, options.rounds, options.seconds, STEPS))
    show("broker", figures, as_json=options.json)
    return 0


async def measure(
    found: Sides, rounds: int, seconds: float, steps: Sequence[int]
) -> Sequence[Figure]:
    """Both figures."""
    calls = await _calls(found, rounds)
    worst = max(calls.values(), key=lambda each: each.added)
    carried, late = await _carried(found, seconds, steps)
    return [
        Figure(
            "overhead_ms_p50",
            worst.added,
            3.0,
            ", ".join(f"{name} {each.through:.2f} ms" for name, each in calls.items()),
            ", ".join(f"{name} {each.straight:.2f} ms" for name, each in calls.items()),
        ),
        Figure(
            "streams_per_core",
            carried,
            GOAL_STREAMS,
            f"p99 of a token {late * 1000:.0f} ms",
            at_least=True,
        ),
    ]


@contextlib.contextmanager
def sides() -> Iterator[Sides]:
    """The far side and the door, each a process that ends with the context."""
    with contextlib.ExitStack() as started:
        _, far = _started(started, "benchmarks.broker_far")
        door, told = _started(started, "benchmarks.broker_door", far)
        opened = json.loads(told)
        proxy, *gateways = opened["ports"]
        yield Sides(door, json.loads(far), opened["pem"], proxy, gateways)


def _started(stack: contextlib.ExitStack, module: str, *words: str) -> tuple[int, str]:
    """A process and the first line that it says; it ends when its input does."""
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=Path(__file__).resolve().parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    if process.stdout is None:
        raise RuntimeError("Its output is a pipe.")
    return process.pid, process.stdout.readline()


@contextlib.contextmanager
def _on_one_core(door: int) -> Iterator[None]:
    """The door has the last core; the programs that hear it keep off, where there is another."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(door, {cores[-1]})
    os.sched_setaffinity(0, set(cores[:-1] or cores))
    try:
        yield
    finally:
        os.sched_setaffinity(0, set(cores))


async def _calls(found: Sides, rounds: int) -> dict[str, Overhead]:
    page = f"http://localhost:{found.far['http']}/page"
    secure = f"https://localhost:{found.far['https']}/page"
    model = "/v1/chat/completions"
    own, far = (ssl.create_default_context(cadata=pem) for pem in (found.signed, found.far["pem"]))
    async with _client(far) as straight, _client(own, found.proxy) as through:
        ways: dict[str, tuple[_Call, _Call]] = {
            "http": (_got(through, page), _got(straight, page)),
            "https": (_got(through, secure), _got(straight, secure)),
            "model": (
                _asked(straight, f"http://127.0.0.1:{found.gateways[0]}{model}"),
                _asked(straight, f"http://localhost:{found.far['http']}{model}"),
            ),
        }
        taken: dict[tuple[str, int], list[float]] = {}
        for number in range(rounds + WARM_ROUNDS):
            for kind, both in ways.items():
                for side, call in enumerate(both):
                    begun = time.perf_counter()
                    _check(await call())
                    if number >= WARM_ROUNDS:
                        spent = (time.perf_counter() - begun) * 1000
                        taken.setdefault((kind, side), []).append(spent)
    return {kind: Overhead(median(taken[kind, 0]), median(taken[kind, 1])) for kind in ways}


def _got(client: httpx.AsyncClient, url: str) -> _Call:
    return lambda: client.get(url)


def _asked(client: httpx.AsyncClient, url: str) -> _Call:
    return lambda: client.post(url, json=ASKED)


def _check(answer: httpx.Response) -> None:
    if answer.status_code != 200 or "hello" not in answer.text:
        raise RuntimeError(f"{answer.url} answered {answer.status_code}: {answer.text[:300]}")


@contextlib.asynccontextmanager
async def _client(
    trusted: ssl.SSLContext, proxy: int | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    address = f"http://127.0.0.1:{proxy}" if proxy else None
    async with httpx.AsyncClient(
        proxy=address, trust_env=False, verify=trusted, timeout=10
    ) as client:
        yield client


async def _carried(found: Sides, seconds: float, steps: Sequence[int]) -> tuple[int, float]:
    """The most streams at once of which no token fell behind, and how late the latest were."""
    carried, how_late = 0, 0.0
    with _on_one_core(found.door):
        for streams in steps:
            late = await _late(found, streams, seconds)
            if late > BEHIND_SECONDS:  # what else the machine does may spoil one try
                late = await _late(found, streams, seconds)
            if late > BEHIND_SECONDS:
                break
            carried, how_late = streams, late
    return carried, how_late


async def _late(found: Sides, streams: int, seconds: float) -> float:
    return quantiles(await lateness(found.gateways, streams, seconds), n=100)[-1]


if __name__ == "__main__":
    raise SystemExit(main())
