"""The command `ath run`: submit a suite, follow it, report, exit with its code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import typer

from cluster.cli.command import add_command
from cluster.cli.git_suite import fetch_suite
from cluster.cli.local_suite import LocalSuite
from cluster.cli.options import AsJson, Ctrf, Gate, Junit, Wait
from cluster.cli.see_through import ReportFiles, say_submitted, see_through
from cluster.cli.session import connected
from cluster.cli.spec_interpreter import interpreter_for
from cluster.cli.suite_folder import SuiteFolder, find_suite
from cluster.cli.variables import visible
from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.git_reference import parse_git
from harness.domain.priority import Priority
from harness.domain.python_environment import PythonEnvironment
from harness.domain.retry_rule import RetryRule
from harness.domain.run import Run, RunRequest
from harness.domain.suite import SuiteVersion
from harness.errors import InvalidInput
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
    requirements: Annotated[Path | None, typer.Option(help="Install this lock instead.")] = None,
    python_version: Annotated[str | None, typer.Option(help="To install it for.")] = None,
    git: Annotated[str | None, typer.Option(help="Fetch the suite: URL[@REF].")] = None,
    git_folder: Annotated[str | None, typer.Option(help="Where in it to run.")] = None,
    git_secret: Annotated[str | None, typer.Option(help="Secret that opens it.")] = None,
    workers: Annotated[int | None, typer.Option("-n", "--workers", help="Side by side.")] = None,
    retries: Annotated[int | None, typer.Option(help="Attempts after a failed one.")] = None,
    retry: Annotated[RetryRule, typer.Option(help="Which tests.")] = RetryRule.FAILURES,
    release: Annotated[str | None, typer.Option(help="What is judged, e.g. a commit.")] = None,
    env_var: Annotated[list[str] | None, typer.Option(help="NAME or NAME=VALUE to pass.")] = None,
    secret: Annotated[list[str] | None, typer.Option(help="Name of a secret to pass.")] = None,
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
    packages = Packages(python, requirements, python_version)
    wanted = Wanted(
        command, env, workers, retries, retry, release, test_seconds, run_seconds, priority
    )
    find = _finder(settings, git, git_folder, git_secret)
    with connected(settings) as client:
        suite = find(client)
        secrets = tuple(dict.fromkeys([*suite.described.secrets, *(secret or [])]))
        variables = visible(environ, env_var or [], secrets)
        chosen = packages.of(suite, command, environ)
        submitted = wanted.submit(client, suite, chosen, variables, secrets)
        if not wait:
            say_submitted(client, submitted, as_json=as_json)
            return ExitCode.PASSED
        files = ReportFiles(junit, ctrf)
        return see_through(client, submitted, files, environ, gate=gate, as_json=as_json)


class Suite(Protocol):
    """A suite, wherever it is."""

    @property
    def described(self) -> SuiteFolder:
        """What its `ath.toml` says."""
        ...

    def bring(self, client: Client) -> SuiteVersion:
        """The suite's version, when the platform has it."""
        ...

    def packages(self, requirements: Path | None, version: str | None) -> PythonEnvironment | None:
        """What the platform installs for it."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """Either an interpreter that has the packages, or what the platform installs."""

    interpreter: str | None = None
    python: PythonEnvironment | None = None


@dataclass(frozen=True, slots=True)
class Packages:
    """What the command line says of a suite's packages."""

    python: str | None
    requirements: Path | None
    version: str | None

    def of(self, suite: Suite, command: list[str], environ: Mapping[str, str]) -> Chosen:
        """What a suite runs with.

        Raises:
            InvalidInput: options contradict each other, or there is no such file or interpreter.
        """
        if self.python and (self.requirements or self.version):
            raise InvalidInput(
                "--python names an interpreter that has the packages, --requirements and "
                "--python-version say what to install. Give one or the other."
            )
        if not self.python:
            installed = suite.packages(self.requirements, self.version)
            if installed:
                return Chosen(python=installed)
        if self.version:
            raise InvalidInput("--python-version needs --requirements, or [python] in ath.toml.")
        return Chosen(interpreter=interpreter_for(command, self.python, environ, Path.cwd()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What else the command line asks for."""

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
        suite: Suite,
        chosen: Chosen,
        variables: Mapping[str, str],
        secrets: tuple[str, ...],
    ) -> Run:
        """Bring the suite to the platform and submit the run."""
        described = suite.described
        environment = described.environment(self.env) if self.env else None
        return client.runs.submit(
            RunRequest(
                suite=suite.bring(client),
                argv=tuple(self.command),
                interpreter=chosen.interpreter,
                python=chosen.python,
                environment=environment,
                variables=variables,
                secrets=secrets,
                workers=self.workers or described.workers,
                retries=described.retries if self.retries is None else self.retries,
                retry=self.retry,
                test_seconds=self.test_seconds,
                run_seconds=self.run_seconds,
                release=self.release,
                priority=self.priority,
            )
        )


def _finder(
    settings: Settings, git: str | None, folder: str | None, secret: str | None
) -> Callable[[Client], Suite]:
    """How the suite is found; what is wrong on this side shows before anything is started."""
    if git:
        reference = parse_git(git, folder or ".")
        return lambda client: fetch_suite(client, reference, secret)
    if folder or secret:
        raise InvalidInput("--git-folder and --git-secret belong to --git URL[@REF].")
    local = LocalSuite(find_suite(Path.cwd()), settings.suite_mib * 1024 * 1024)
    return lambda _: local
