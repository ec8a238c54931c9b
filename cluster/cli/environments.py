"""Commands about the Python environments that this machine keeps: list, clear."""

from dataclasses import asdict
from typing import Annotated

import typer

from cluster.cli.command import add_command
from cluster.cli.console import out, say_json
from harness.domain.exit_code import ExitCode
from harness.settings import Settings
from serve.environments import environments

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Python environments that were built for suites.")
    add_command(group, usage)
    add_command(group, clear)
    app.add_typer(group, name="environments")


def usage(as_json: AsJson = False) -> int:
    """Say how many there are and what they take."""
    settings = Settings.load()
    found = environments(settings).usage()
    if as_json:
        say_json({**asdict(found), "limit": settings.environments_mib << 20})
    else:
        used, limit = found.bytes >> 20, settings.environments_mib
        out.print(f"{found.environments} environments, {used} of {limit} MiB")
    return ExitCode.PASSED


def clear() -> int:
    """Remove all that no run uses now; the next run that wants one builds it again."""
    removed = environments(Settings.load()).clear()
    out.print(f"Removed {removed} environments.")
    return ExitCode.PASSED
