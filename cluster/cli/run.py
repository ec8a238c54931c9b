"""The command `ath run`: submit a suite, follow it, report, exit with its code."""

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cluster.cli.command import add_command
from cluster.cli.console import err, out, say_json
from cluster.cli.follow import follow
from cluster.cli.github import Step
from cluster.cli.interpreter import find_interpreter
from cluster.cli.report import print_report, summary
from cluster.cli.session import connect
from cluster.cli.suite_folder import SuiteFolder, find_suite
from cluster.cli.variables import visible
from harness.client import Client
from harness.domain.assessment import Readiness
from harness.domain.exit_code import ExitCode, exit_code
from harness.domain.run import Run, RunRequest
from harness.errors import InvalidInput
from harness.settings import Settings, caller_environ


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, run)


def run(  # each is an option of the command line
    command: Annotated[list[str], typer.Argument(help="After `--`: pytest and its arguments.")],
    env: Annotated[str | None, typer.Option(help="Environment of ath.toml.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit XML file.")] = None,
    python: Annotated[str | None, typer.Option(help="Interpreter with the packages.")] = None,
    workers: Annotated[int | None, typer.Option("-n", "--workers", help="Side by side.")] = None,
    retries: Annotated[int | None, typer.Option(help="Attempts after a failed one.")] = None,
    release: Annotated[str | None, typer.Option(help="What is judged, e.g. a commit.")] = None,
    env_var: Annotated[list[str] | None, typer.Option(help="NAME or NAME=VALUE to pass.")] = None,
    test_seconds: Annotated[float | None, typer.Option(help="Deadline of a test.")] = None,
    run_seconds: Annotated[float | None, typer.Option(help="Deadline of the run.")] = None,
    gate: Annotated[bool, typer.Option(help="Exit with 8 unless the run is ready.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow the run to its end.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Run a suite: `ath run -- pytest -q tests`."""
    settings = Settings.load()
    environ = caller_environ()
    suite = find_suite(Path.cwd())
    request = Wanted(command, env, python, workers, retries, release, test_seconds, run_seconds)
    interpreter = find_interpreter(command, python, environ)
    variables = visible(environ, env_var or [])
    with _connected(settings) as client:
        submitted = request.submit(client, settings, suite, interpreter, variables)
        if not wait:
            _say_submitted(client, submitted, as_json)
            return ExitCode.PASSED
        return _see_through(client, submitted, junit, environ, gate=gate, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    command: list[str]
    env: str | None
    python: str | None
    workers: int | None
    retries: int | None
    release: str | None
    test_seconds: float | None
    run_seconds: float | None

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
                test_seconds=self.test_seconds,
                run_seconds=self.run_seconds,
                release=self.release,
            )
        )


def _connected(settings: Settings) -> Client:
    with err.status("Connecting …") as line:
        return connect(settings, start=lambda step: line.update(f"Starting the platform: {step} …"))


def _see_through(
    client: Client,
    submitted: Run,
    junit: Path | None,
    environ: Mapping[str, str],
    *,
    gate: bool,
    as_json: bool,
) -> int:
    try:
        follow(client, submitted.id, quiet=as_json)
    except KeyboardInterrupt:
        return _interrupted(client, submitted, environ)
    ended = client.runs.get(submitted.id)
    with ThreadPoolExecutor(1) as pool:
        document = pool.submit(client.runs.junit, ended.id) if junit else None
        if as_json:
            say_json(summary(client, ended))
        else:
            print_report(client, ended)
            _print_places(client, ended, junit)
        if junit and document:
            _write(junit, document.result())
    step = Step.of(environ, Path.cwd())
    if step:
        step.tell(client, ended)
    return _code(client, ended, gate=gate)


def _code(client: Client, ended: Run, *, gate: bool) -> int:
    code = exit_code(ended.state, ended.reason)
    assessment = client.runs.assessment(ended.id) if gate else None
    unmet = gate and (assessment is None or assessment.readiness is not Readiness.READY)
    if unmet and code in {ExitCode.PASSED, ExitCode.FAILED}:
        return ExitCode.GATE
    return code


def _interrupted(client: Client, run: Run, environ: Mapping[str, str]) -> int:
    """In CI an interrupt cancels; on a terminal it only stops watching."""
    if environ.get("CI") or not sys.stderr.isatty():
        client.runs.cancel(run.id, "interrupted")
        err.print(f"\nCancelled run {run.id}.")
    else:
        err.print(
            f"\nThe run goes on. Watch it with `ath watch {run.id}`, "
            f"or stop it with `ath cancel {run.id}`."
        )
    return ExitCode.CANCELLED


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as failed:
        raise InvalidInput(
            f"--junit {path} cannot be written: {os.strerror(failed.errno or 0)}."
        ) from failed


def _say_submitted(client: Client, run: Run, as_json: bool) -> None:
    if as_json:
        say_json({"run": run.id, "page": client.page(run.id)})
    else:
        out.print(f"Submitted {run.id}. Watch it with `ath watch {run.id}`.")


def _print_places(client: Client, run: Run, junit: Path | None) -> None:
    out.print(f"\nPage   {client.sign_in(run.id)}")
    if junit:
        out.print(f"JUnit  {junit}")
