"""The command `ath import`: a run made of results from elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from cluster.cli.console import err, say_json
from cluster.cli.options import AsJson, Ctrf, Gate, Junit
from cluster.cli.report import print_report, summary
from cluster.cli.see_through import ReportFiles, meets_gate
from cluster.cli.session import connect
from harness.domain.exit_code import ExitCode
from harness.domain.report_format import ReportFormat
from harness.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(_command)


def _command(  # each is an option of the command line
    paths: Annotated[list[Path], typer.Argument(help="Reports, or folders of them.")],
    format: Annotated[
        ReportFormat | None, typer.Option(help="Read all as this; else each as what it is.")
    ] = None,
    suite: Annotated[str, typer.Option(help="Whose results these are.")] = "imported",
    release: Annotated[str | None, typer.Option(help="What is judged, e.g. a commit.")] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", "--env", help="What was tested against.")
    ] = None,
    junit: Junit = None,
    ctrf: Ctrf = None,
    gate: Gate = False,
    as_json: AsJson = False,
) -> None:
    """Import results that were made elsewhere: JUnit XML, CTRF, or a folder of Allure results.

    Exits with 0 once they are in, whatever they say; with --gate as `ath run --gate` does.
    """
    with connect(Settings.load()) as client:
        imported = client.imports.send(
            paths, format=format, suite=suite, environment=environment, release=release
        )
        for note in imported.notes:
            err.print(f"note: {note}", markup=False)
        run = client.runs.wait(imported.run.id, until="assessed")
        if as_json:
            say_json(summary(client, run))
        else:
            print_report(client, run)
        ReportFiles(junit, ctrf).write(client, run)
        met = not gate or meets_gate(client, run)
    raise typer.Exit(ExitCode.PASSED if met else ExitCode.GATE)
