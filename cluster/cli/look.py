"""Commands that look at runs: watch, runs, export."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cluster.cli.command import add_command
from cluster.cli.console import out, say_json
from cluster.cli.follow import follow
from cluster.cli.github import Step
from cluster.cli.options import AsJson, Ctrf, Junit
from cluster.cli.report import print_report, summary
from cluster.cli.see_through import ReportFiles
from cluster.cli.session import connect
from harness.client import Client
from harness.domain.exit_code import ExitCode, exit_code
from harness.domain.ids import RunId
from harness.errors import InvalidInput
from harness.settings import Settings, caller_environ

Named = Annotated[str, typer.Argument(help="A run's id, or `last`.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    add_command(app, watch)
    add_command(app, runs)
    add_command(app, cancel)
    add_command(app, export)


def watch(run: Named = "last", as_json: AsJson = False) -> int:
    """Follow a run to its end; exits as `ath run` would."""
    settings = Settings.load()
    with connect(settings) as client:
        run_id = find_run(client, run)
        counts = follow(client, run_id, quiet=as_json)
        ended = client.runs.get(run_id)
        if as_json:
            say_json(summary(client, ended, counts))
        else:
            print_report(client, ended, counts)
        step = Step.of(caller_environ(), Path.cwd())
        if step:
            step.tell(client, ended)
        return exit_code(ended.state, ended.reason)


def runs(
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> int:
    """List runs, newest first."""
    with connect(Settings.load()) as client:
        found = client.runs.list(limit=limit)
    if as_json:
        say_json([{"id": r.id, "state": r.state, "created_at": r.created_at} for r in found])
        return ExitCode.PASSED
    table = Table("run", "state", "environment", "tests", "command", "created", box=None)
    for run in found:
        environment = run.request.environment.name if run.request.environment else ""
        created = run.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        tests = "" if run.collected is None else str(run.collected)
        table.add_row(run.id, run.state, environment, tests, " ".join(run.request.argv), created)
    out.print(table)
    return ExitCode.PASSED


def cancel(run: Named = "last", why: Annotated[str, typer.Option(help="Reason.")] = "") -> int:
    """Ask a run to stop."""
    with connect(Settings.load()) as client:
        found = client.runs.cancel(find_run(client, run), why)
    out.print(f"{found.id} is {found.state}")
    return ExitCode.PASSED


def export(run: Named = "last", junit: Junit = None, ctrf: Ctrf = None) -> int:
    """Write a run's results to files."""
    if junit is None and ctrf is None:
        raise InvalidInput("Say what to export: --junit FILE, --ctrf FILE, or both.")
    files = ReportFiles(junit, ctrf)
    with connect(Settings.load()) as client:
        files.write(client, client.runs.get(find_run(client, run)))
    for line in files.lines():
        out.print(f"Wrote {line}", markup=False)
    return ExitCode.PASSED


def find_run(client: Client, name: str) -> RunId:
    """The id of a run that was named by id or as `last`.

    Raises:
        InvalidInput: there is no last run.
    """
    if name != "last":
        return client.runs.get(RunId(name)).id
    found = client.runs.list(limit=1)
    if not found:
        raise InvalidInput("There is no run yet. Submit one with `ath run -- pytest`.")
    return found[0].id
