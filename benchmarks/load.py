"""A load generator: `python -m benchmarks.load` asks one URL again and again, and counts.

Raw keep-alive sockets in a process of their own: the less it computes, the more it measures the
server. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Load:
    """What came back."""

    requests_per_second: float
    p50_ms: float
    """Median time of one request, in milliseconds."""


def measure(url: str, token: str, connections: int, seconds: float) -> Load:
    """Ask for that long over so many connections, from a separate process.

    Raises:
        RuntimeError: an answer was not 200.
    """
    words = [url, "--connections", str(connections), "--seconds", str(seconds)]
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", *words],
        cwd=Path(__file__).resolve().parent.parent,
        input=token,
        capture_output=True,
        text=True,
        timeout=seconds + 30,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"The load on {url} failed.\n{ended.stderr[-2000:]}")
    return Load(**json.loads(ended.stdout))


def main() -> int:
    """Generate load; the API key comes on standard input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    token = sys.stdin.read().strip()
    times = asyncio.run(_load(options.url, token, options.connections, options.seconds))
    print(
        json.dumps(
            {"requests_per_second": len(times) / options.seconds, "p50_ms": 1000 * median(times)}
        )
    )
    return 0


async def _load(url: str, token: str, connections: int, seconds: float) -> list[float]:
    parts = urlsplit(url)
    request = (
        f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    ).encode()
    until = time.perf_counter() + seconds
    each = [
        _ask(parts.hostname or "", parts.port or 80, request, until) for _ in range(connections)
    ]
    return [taken for times in await asyncio.gather(*each) for taken in times]


async def _ask(host: str, port: int, request: bytes, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection(host, port)
    times = []
    while (begun := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(content_length(head))
        times.append(time.perf_counter() - begun)
    writer.close()
    return times


def content_length(head: bytes) -> int:
    """How many bytes of body follow the head of an answer.

    Raises:
        RuntimeError: the answer is not 200, or does not say its length.
    """
    status, *lines = head.decode("latin-1").split("\r\n")
    if status.split(" ")[1] != "200":
        raise RuntimeError(f"The server answered {status!r}.")
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    raise RuntimeError("The answer does not say its length.")


if __name__ == "__main__":
    raise SystemExit(main())
