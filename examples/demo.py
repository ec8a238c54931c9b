"""The bundled example, end to end: start the platform, judge two releases, say where to look.

`make run` calls it. Exit code 0 means that both releases were judged as they deserve: `stable`
ready (or inconclusive for want of history), `candidate` not ready.
"""

import sys
from pathlib import Path

from cluster.cli.console import out
from cluster.cli.follow import follow
from cluster.cli.machine import start
from cluster.cli.report import print_report
from cluster.cli.session import connect
from cluster.cli.suite_folder import SuiteFolder, find_suite
from cluster.cli.variables import visible
from harness.client import Client
from harness.domain.assessment import Readiness
from harness.domain.attempt import ArtifactRef
from harness.domain.exit_code import ExitCode
from harness.domain.installation import Installation
from harness.domain.run import Run, RunRequest
from harness.domain.suite import SuiteVersion
from harness.errors import HarnessError
from harness.settings import Settings, caller_environ

SUITE = Path(__file__).with_name("datasette")
EXPECTED = {
    "stable": {Readiness.READY, Readiness.INCONCLUSIVE},
    "candidate": {Readiness.NOT_READY},
}


def main() -> int:
    """Run the example; gives the exit code."""
    settings = Settings.load()
    platform = start(settings)
    suite = find_suite(SUITE)
    with connect(settings) as client:
        uploaded = client.suites.upload(suite.root).suite
        runs = {name: _judge(client, suite, uploaded, name, settings) for name in EXPECTED}
        verdicts = {name: client.runs.assessment(run.id) for name, run in runs.items()}
        _print_places(client, platform, runs, settings)
    wrong = [
        name
        for name, assessment in verdicts.items()
        if assessment is None or assessment.readiness not in EXPECTED[name]
    ]
    for name in wrong:
        out.print(f"[bold red]{name} was not judged as expected[/]")
    return ExitCode.GATE if wrong else ExitCode.PASSED


def _judge(
    client: Client, suite: SuiteFolder, version: SuiteVersion, name: str, settings: Settings
) -> Run:
    out.rule(f"{name}: Datasette, {'as it is' if name == 'stable' else 'with seeded faults'}")
    run = client.runs.submit(
        RunRequest(
            suite=version,
            argv=("pytest", "-q"),
            interpreter=sys.executable,
            environment=suite.environment(name),
            variables=visible(caller_environ(), ()),
            retries=suite.retries,
            release=name,
        )
    )
    follow(client, run.id)
    ended = client.runs.get(run.id)
    print_report(client, ended)
    reports = settings.home / "reports"
    reports.mkdir(exist_ok=True)
    (reports / f"{name}.xml").write_bytes(client.runs.junit(run.id))
    return ended


def _print_places(
    client: Client, platform: Installation, runs: dict[str, Run], settings: Settings
) -> None:
    out.rule("where to look")
    for name, run in runs.items():
        out.print(f"{name:<14} {client.sign_in(run.id)}")
        out.print(f"{'':<14} JUnit: {settings.home / 'reports' / name}.xml")
    traces = [ref for ref in client.runs.artifacts(runs["candidate"].id) if _is_trace(ref)]
    out.print(f"{'Traces':<14} {len(traces)} of failed browser tests, on the candidate's page")
    out.print(f"{'API docs':<14} {platform.url}/docs")
    out.print(f"{'Ray dashboard':<14} {platform.dashboard} (token: {settings.home / 'ray-token'})")
    out.print("`make stop` ends the platform.")


def _is_trace(ref: ArtifactRef) -> bool:
    return ref.name.endswith("trace.zip")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as trouble:
        out.print(f"[bold red]error:[/] {trouble}")
        sys.exit(ExitCode.INFRASTRUCTURE)
