"""The command `ath quarantine`: tests that run without gating."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cluster.cli.command import add_command
from cluster.cli.console import out, say_json
from cluster.cli.session import connect
from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.quarantine import Quarantine
from harness.errors import InvalidInput
from harness.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, quarantine)


def quarantine(
    test: Annotated[str | None, typer.Argument(help="A test's id, or a glob of ids.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, such as an issue.")] = None,
    days: Annotated[float | None, typer.Option(help="For how long; else until lifted.")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let the test gate again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Let tests run without gating; without a test, list those that do."""
    with connect(Settings.load()) as client:
        if test:
            _change(client, test, reason, days, lift=lift)
        elif reason or days or lift:
            raise InvalidInput("Say which test: ath quarantine TEST --reason WHY")
        found = client.quarantines.list()
    if as_json:
        say_json([_plain(each) for each in found])
        return ExitCode.PASSED
    table = Table("test", "reason", "by", "since", "until", box=None)
    for each in found:
        until = _day(each.until) if each.until else "lifted"
        row = (each.pattern, each.reason, each.by, _day(each.since), until)
        table.add_row(*(escape(text) for text in row))
    out.print(table if found else "No test is quarantined.")
    return ExitCode.PASSED


def _change(
    client: Client, test: str, reason: str | None, days: float | None, *, lift: bool
) -> None:
    if lift:
        client.quarantines.lift(test)
        return
    if not reason:
        raise InvalidInput("A quarantine needs a reason: --reason WHY, such as an issue's number.")
    until = datetime.now(UTC) + timedelta(days=days) if days is not None else None
    client.quarantines.put(test, reason, until)


def _plain(found: Quarantine) -> dict[str, object]:
    return {
        "pattern": found.pattern,
        "reason": found.reason,
        "by": found.by,
        "since": found.since,
        "until": found.until,
    }


def _day(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M")
