"""The API through Serve against plain uvicorn: `python -m benchmarks.http [--json]`.

Serve has its HAProxy and two replicas; the baseline is the same application on the same stores
in one uvicorn process with uvloop and httptools. Both are asked for one run with an API key, by
the same generator in alternating rounds, over 16 connections and then over a single one.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.load import measure
from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.suites import write_tiny_suite
from benchmarks.table import Figure, show
from harness.client import Client
from harness.domain.run import RunRequest

CONNECTIONS = 16
READY_SECONDS = 60.0
POLL_SECONDS = 0.05


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with own_platform() as platform:
        platform.up()
        path = _finished_run(platform)
        with _uvicorn(platform) as baseline:
            urls = (f"{platform.installation.url}{path}", f"{baseline}{path}")
            figures = compare(urls, platform.token, options.rounds, options.seconds)
    show("http", figures, as_json=options.json)
    return 0


def compare(urls: tuple[str, str], token: str, rounds: int, seconds: float) -> list[Figure]:
    """Throughput and latency of the first URL against the second, after one round of warming."""
    throughput: dict[str, list[float]] = {url: [] for url in urls}
    latency: dict[str, list[float]] = {url: [] for url in urls}
    for number in range(rounds + 1):
        for url in urls:
            many = measure(url, token, CONNECTIONS, seconds)
            one = measure(url, token, 1, seconds / 2)
            if number:
                throughput[url].append(many.requests_per_second)
                latency[url].append(one.p50_ms)
    rps, base_rps = (median(throughput[url]) for url in urls)
    p50, base_p50 = (median(latency[url]) for url in urls)
    return [
        Figure(
            "rps_vs_uvicorn",
            rps / base_rps,
            0.40,
            f"{rps:.0f} /s",
            f"{base_rps:.0f} /s",
            at_least=True,
        ),
        Figure("p50_vs_uvicorn", p50 / base_p50, 5.0, f"{p50:.2f} ms", f"{base_p50:.2f} ms"),
    ]


def _finished_run(platform: OwnPlatform) -> str:
    """The path of a run of five tests that came to its end."""
    with (
        tempfile.TemporaryDirectory(prefix="ath-suites-") as folder,
        Client(platform.installation.url, platform.token) as client,
    ):
        suite = write_tiny_suite(Path(folder) / "tiny", files=1, tests=5)
        uploaded = client.suites.upload(suite).suite
        request = RunRequest(uploaded, ("pytest", "-q"), interpreter=sys.executable)
        run = client.runs.submit(request)
        client.runs.wait(run.id, until="assessed", seconds=READY_SECONDS)
        return f"/v1/projects/default/runs/{run.id}"


@contextmanager
def _uvicorn(platform: OwnPlatform) -> Iterator[str]:
    """The same application in one process; gives its URL."""
    port = _free_port()
    options = ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", "serve.control_plane:build", *options],
        env=platform.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/healthz")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=READY_SECONDS)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(url: str) -> None:
    until = time.perf_counter() + READY_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, OSError) as silent:
            if time.perf_counter() > until:
                raise RuntimeError(f"{url} did not answer.") from silent
            time.sleep(POLL_SECONDS)
        else:
            return


if __name__ == "__main__":
    raise SystemExit(main())
