"""An API through the platform and through Schemathesis: `python -m benchmarks.api [--json]`.

Both sides ask one server, whose description has twenty operations, with the same seed, examples,
phases and checks and two workers each; whole processes are timed, in alternating rounds.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import create_server

import httpx

from benchmarks.own_platform import ATH, own_platform
from benchmarks.race import Comparison, whole_process
from benchmarks.table import show

FAILING = {"POST /orders/total", "GET /search"}
"""Operations of the server with a seeded mistake."""
OPERATIONS = 20
PHASES = ("examples", "coverage", "fuzzing")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
SERVER_SECONDS = 60.0
SPEC = """\
base_url: {address}
openapi:
  schema: /openapi.json
  seed: {seed}
  examples: {examples}
  phases: [{phases}]
  checks: [{checks}]
"""


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each side")
    parser.add_argument("--examples", type=int, default=100, help="at most, per operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="ath-api-") as name,
        api_server() as address,
        own_platform() as platform,
    ):
        platform.up()
        folder = Path(name)
        suite = write_suite(folder / "suite", address, options.seed, options.examples)
        command = cli_command(address, options.seed, options.examples, folder / "cli.xml")
        found = compare(suite, command, platform.environ, options.rounds)
    show("api", [found.figure("vs_schemathesis_cli", 1.15)], as_json=options.json)
    return 0


def compare(
    suite: Path, command: Sequence[str], environ: Mapping[str, str], rounds: int
) -> Comparison:
    """Alternating rounds of both sides, after one of each that only warms caches."""
    found = Comparison(tests=OPERATIONS)
    junit = suite.parent / "platform.xml"
    ours = [ATH, "run", "-n", "2", "--python", sys.executable, "--junit", str(junit)]
    for number in range(rounds + 1):
        baseline = timed(command, suite.parent, environ, suite.parent / "cli.xml")
        platform = timed([*ours, "--", "pytest", "-q"], suite, environ, junit)
        if number:
            found.baseline.append(baseline)
            found.platform.append(platform)
    return found


def timed(command: Sequence[str], folder: Path, environ: Mapping[str, str], junit: Path) -> float:
    """Wall time in seconds of a command that must find the seeded mistakes and no other failures.

    Raises:
        RuntimeError: it did not.
    """
    junit.unlink(missing_ok=True)
    ended, seconds = whole_process(command, folder, environ)
    failing, broken = outcomes(junit) if junit.exists() else (set(), set())
    if failing != FAILING:
        raise RuntimeError(
            f"{' '.join(command)} ended with {ended.returncode} and found {sorted(failing)}.\n"
            f"{ended.stdout[-3000:]}{ended.stderr[-2000:]}"
        )
    if broken:
        # Two threads of Schemathesis' command sometimes disturb each other while they generate.
        print(f"{Path(command[0]).name} could not try all of {', '.join(sorted(broken))}")
    return seconds


def outcomes(junit: Path) -> tuple[set[str], set[str]]:
    """Names of the operations that failed, and of those with an error of the tool's own.

    Raises:
        RuntimeError: the file does not tell of every operation.
    """
    cases = {case.get("name", ""): case for case in ET.parse(junit).iter("testcase")}
    if len(cases) != OPERATIONS:
        raise RuntimeError(f"{junit.name} tells of {len(cases)} operations, not {OPERATIONS}.")
    failing = {name for name, case in cases.items() if case.find("failure") is not None}
    return failing, {name for name, case in cases.items() if case.find("error") is not None}


def write_suite(folder: Path, address: str, seed: int, examples: int) -> Path:
    """The platform's side: one spec; gives its folder."""
    folder.mkdir()
    text = SPEC.format(
        address=address,
        seed=seed,
        examples=examples,
        phases=", ".join(PHASES),
        checks=", ".join(CHECKS),
    )
    (folder / "shop.ath.yaml").write_text(text)
    return folder


def cli_command(address: str, seed: int, examples: int, junit: Path) -> Sequence[str]:
    """The other side."""
    return [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{address}/openapi.json",
        "--workers=2",
        f"--seed={seed}",
        f"--max-examples={examples}",
        f"--phases={','.join(PHASES)}",
        f"--checks={','.join(CHECKS)}",
        "--suppress-health-check=all",
        "--generation-database=none",
        f"--report-junit-path={junit}",
    ]


@contextmanager
def api_server() -> Iterator[str]:
    """The address of the server that both sides ask."""
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Not `--fd`: uvicorn takes that for a socket without TCP, whose answers then wait for ACKs.
    command = [sys.executable, "-m", "uvicorn", "benchmarks.api_server:app"]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "critical"], cwd=Path(__file__).parents[1]
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def _wait(address: str) -> None:
    until = time.monotonic() + SERVER_SECONDS
    while True:
        try:
            httpx.get(f"{address}/openapi.json", timeout=5).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    raise SystemExit(main())
