"""The command `ath run`: submit a suite, follow it, report, exit with its code."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cluster.cli.command import add_command
from cluster.cli.console import err
from cluster.cli.options import AsJson, Ctrf, Gate, Junit, Wait
from cluster.cli.see_through import ReportFiles, say_submitted, see_through
from cluster.cli.session import connect
from cluster.cli.spec_interpreter import interpreter_for
from cluster.cli.suite_folder import SuiteFolder, find_suite
from cluster.cli.variables import visible
from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.priority import Priority
from harness.domain.retry_rule import RetryRule
from harness.domain.run import Run, RunRequest
from harness.settings import Settings, caller_environ


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, run)


def run(  # each is an option of the command line
    command: Annotated[list[str], typer.Argument(help="After `--`: pytest and its arguments.")],
    env: Annotated[str | None, typer.Option(help="Environment of ath.toml.")] = None,
    junit: Junit = None,
    ctrf: Ctrf = None,
    python: Annotated[str | None, typer.Option(help="Interpreter with the packages.")] = None,
    workers: Annotated[int | None, typer.Option("-n", "--workers", help="Side by side.")] = None,
    retries: Annotated[int | None, typer.Option(help="Attempts after a failed one.")] = None,
    retry: Annotated[RetryRule, typer.Option(help="Which tests.")] = RetryRule.FAILURES,
    release: Annotated[str | None, typer.Option(help="What is judged, e.g. a commit.")] = None,
    env_var: Annotated[list[str] | None, typer.Option(help="NAME or NAME=VALUE to pass.")] = None,
    test_seconds: Annotated[float | None, typer.Option(help="Deadline of a test.")] = None,
    run_seconds: Annotated[float | None, typer.Option(help="Deadline of the run.")] = None,
    priority: Annotated[Priority, typer.Option(help="Among your own runs.")] = Priority.NORMAL,
    gate: Gate = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> int:
    """Run a suite: `ath run -- pytest -q tests`."""
    settings = Settings.load()
    environ = caller_environ()
    suite = find_suite(Path.cwd())
    request = Wanted(
        command, env, workers, retries, retry, release, test_seconds, run_seconds, priority
    )
    interpreter = interpreter_for(command, python, environ, Path.cwd())
    variables = visible(environ, env_var or [])
    with _connected(settings) as client:
        submitted = request.submit(client, settings, suite, interpreter, variables)
        if not wait:
            say_submitted(client, submitted, as_json=as_json)
            return ExitCode.PASSED
        files = ReportFiles(junit, ctrf)
        return see_through(client, submitted, files, environ, gate=gate, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    command: list[str]
    env: str | None
    workers: int | None
    retries: int | None
    retry: RetryRule
    release: str | None
    test_seconds: float | None
    run_seconds: float | None
    priority: Priority

    def submit(
        self,
        client: Client,
        settings: Settings,
        suite: SuiteFolder,
        interpreter: str,
        variables: Mapping[str, str],
    ) -> Run:
        """Upload the suite and submit the run."""
        environment = suite.environment(self.env) if self.env else None
        uploaded = client.suites.upload(
            suite.root, cwd=suite.cwd, max_bytes=settings.suite_mib * 1024 * 1024
        )
        for note in uploaded.notes:
            err.print(f"note: {note}", markup=False)
        return client.runs.submit(
            RunRequest(
                suite=uploaded.suite,
                argv=tuple(self.command),
                interpreter=interpreter,
                environment=environment,
                variables=variables,
                workers=self.workers or suite.workers,
                retries=suite.retries if self.retries is None else self.retries,
                retry=self.retry,
                test_seconds=self.test_seconds,
                run_seconds=self.run_seconds,
                release=self.release,
                priority=self.priority,
            )
        )


def _connected(settings: Settings) -> Client:
    with err.status("Connecting …") as line:
        return connect(settings, start=lambda step: line.update(f"Starting the platform: {step} …"))
