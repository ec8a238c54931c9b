"""The command `ath quotas`: what the tenant may have at once."""

from typing import Annotated

import typer
from rich.table import Table

from cluster.cli.command import add_command
from cluster.cli.console import out, say_json
from cluster.cli.session import connect
from harness.domain.exit_code import ExitCode
from harness.domain.quota import Quota, QuotaName
from harness.errors import InvalidInput
from harness.settings import Settings

DEFAULT = "default"


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, quotas)


def quotas(
    name: Annotated[QuotaName | None, typer.Argument(help="The quota to set.")] = None,
    capacity: Annotated[str | None, typer.Argument(help="A number, or `default`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """List the tenant's quotas, or set one: `ath quotas active_runs 10`."""
    if name and capacity is None:
        raise InvalidInput(f"Say what {name} shall be: a number, or `{DEFAULT}`.")
    wanted = None if capacity in {None, DEFAULT} else _number(str(capacity))
    with connect(Settings.load()) as client:
        if name:
            client.quotas.set(name, wanted)
        found = client.quotas.list()
    if as_json:
        say_json([{"name": q.name, "capacity": q.capacity, "used": q.used} for q in found])
        return ExitCode.PASSED
    table = Table("quota", "in use", "may have", box=None)
    for quota in found:
        table.add_row(quota.name, *_figures(quota))
    out.print(table)
    return ExitCode.PASSED


def _figures(quota: Quota) -> tuple[str, str]:
    used = "" if quota.used is None else str(quota.used)
    return used, "no limit" if quota.capacity is None else str(quota.capacity)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no number; or write `{DEFAULT}`.") from None
