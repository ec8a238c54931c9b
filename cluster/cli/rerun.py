"""The command `ath rerun`: attempt tests of a run again, within the same run."""

from pathlib import Path
from typing import Annotated

import typer

from cluster.cli.command import add_command
from cluster.cli.look import Named, find_run
from cluster.cli.see_through import say_submitted, see_through
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
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit XML file.")] = None,
    gate: Annotated[bool, typer.Option(help="Exit with 8 unless the run is ready.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow the run to its end.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
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
        environ = caller_environ()
        return see_through(client, reopened, junit, environ, gate=gate, as_json=as_json, after=seen)
