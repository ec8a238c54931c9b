"""From a platform that is down to its API and a first result: `python -m benchmarks.start`."""

import argparse
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median

from benchmarks.own_platform import ATH, OwnPlatform, own_platform
from benchmarks.suites import write_tiny_suite
from benchmarks.table import Figure, show
from cluster.installation import InstallationFiles
from harness.client import Client
from harness.domain.ids import RunId
from harness.domain.run import Run
from harness.events.facts import AttemptFinished

GOALS = {"seconds_to_api": 15.0, "seconds_to_first_result": 22.0}
LIMIT_SECONDS = 180.0
POLL_SECONDS = 0.02


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ath-suites-") as folder:
        suite = write_tiny_suite(Path(folder) / "tiny", files=1, tests=5)
        rounds = [measure(suite) for _ in range(options.rounds)]
    figures = []
    for (key, goal), times in zip(GOALS.items(), zip(*rounds, strict=True), strict=True):
        figures.append(Figure(key, median(times), goal, f"{median(times):.2f} s"))
    show("start", figures, as_json=options.json)
    return 0


def measure(suite: Path) -> tuple[float, float]:
    """Seconds to the API and to the first result of a suite, from a platform never started.

    One command, `ath run`, does it all: it starts the platform and submits as soon as it can.

    Raises:
        RuntimeError: neither came in time, or the run did not pass.
    """
    with own_platform() as platform:
        begun = time.perf_counter()
        command = subprocess.Popen(
            [ATH, "run", "-n", "2", "--", "pytest", "-q"],
            cwd=suite,
            env=platform.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for_api(platform, begun)
            to_api = time.perf_counter() - begun
            _wait_for_result(platform, begun)
            to_result = time.perf_counter() - begun
            if command.wait(LIMIT_SECONDS):
                raise RuntimeError(f"`ath run` ended with {command.returncode}.")
        finally:
            if command.poll() is None:
                command.kill()
                command.wait()
    return to_api, to_result


def _wait_for_api(platform: OwnPlatform, begun: float) -> None:
    while not _answers(platform):
        _pause(begun, "the API")


def _answers(platform: OwnPlatform) -> bool:
    found = InstallationFiles(platform.home).read()
    if found is None:
        return False
    try:
        with urllib.request.urlopen(f"{found.url}/healthz", timeout=2) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_for_result(platform: OwnPlatform, begun: float) -> None:
    with Client(platform.installation.url, platform.token, "default") as client:
        run = _first_run(client, begun)
        for event in client.runs.events(RunId(run.id), seconds=LIMIT_SECONDS):
            if event.type == AttemptFinished.type:
                return
    raise RuntimeError(f"Run {run.id} ended without a result.")


def _first_run(client: Client, begun: float) -> Run:
    while not (runs := client.runs.list(limit=1)):
        _pause(begun, "the run")
    return runs[0]


def _pause(begun: float, what: str) -> None:
    if time.perf_counter() - begun > LIMIT_SECONDS:
        raise RuntimeError(f"No sign of {what} after {LIMIT_SECONDS:g} s.")
    time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
