"""The command `ath rerun`: attempt tests of a run again, within the same run."""

from typing import Annotated

import typer

from cluster.cli.command import add_command
from cluster.cli.look import Named, find_run
from cluster.cli.options import AsJson, Ctrf, Gate, Junit, Wait
from cluster.cli.see_through import ReportFiles, say_submitted, see_through
from cluster.cli.session import connect
from harness.domain.exit_code import ExitCode
from harness.domain.ids import TestId
from harness.errors import InvalidInput
from harness.settings import Settings, caller_environ


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, rerun)


def rerun(
    run: Named = "last",
    failed: Annotated[bool, typer.Option("--failed", help="All that did not pass.")] = False,
    test: Annotated[list[str] | None, typer.Option(help="The id of a test; repeat it.")] = None,
    junit: Junit = None,
    ctrf: Ctrf = None,
    gate: Gate = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> int:
    """Attempt tests of a run again, within the same run: `ath rerun --failed last`."""
    if failed == bool(test):
        raise InvalidInput("Say what to rerun: either --failed, or --test ID once or more.")
    with connect(Settings.load()) as client:
        run_id = find_run(client, run)
        seen = client.runs.get(run_id).seq
        reopened = client.runs.rerun(run_id, [TestId(name) for name in test or ()])
        if not wait:
            say_submitted(client, reopened, as_json=as_json)
            return ExitCode.PASSED
        environ, files = caller_environ(), ReportFiles(junit, ctrf)
        return see_through(client, reopened, files, environ, gate=gate, as_json=as_json, after=seen)
