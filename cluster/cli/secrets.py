"""Commands about a project's secrets: set, list, delete."""

import getpass
import sys
from typing import Annotated

import typer
from rich.table import Table

from cluster.cli.command import add_command
from cluster.cli.console import out, say_json
from cluster.cli.session import connect
from harness.domain.exit_code import ExitCode
from harness.domain.secret import LONGEST, check_secret_name, check_secret_value
from harness.errors import InvalidInput
from harness.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
Name = Annotated[str, typer.Argument(help="Also the variable that the suite sees.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Secrets that runs name with --secret.")
    for command in (set_secret, list_secrets, delete):
        add_command(group, command, name=command.__name__.partition("_")[0])
    app.add_typer(group, name="secrets")


def set_secret(name: Name) -> int:
    """Set a secret; its value is asked for, or read from standard input."""
    check_secret_name(name)
    value = _value(name)
    check_secret_value(name, value)
    with connect(Settings.load()) as client:
        client.secrets.set(name, value)
    out.print(f"{name} is set.")
    return ExitCode.PASSED


def list_secrets(as_json: AsJson = False) -> int:
    """List names; values are shown to nobody."""
    with connect(Settings.load()) as client:
        found = client.secrets.list()
    if as_json:
        say_json([{"name": s.name, "updated_at": s.updated_at, "by": s.updated_by} for s in found])
        return ExitCode.PASSED
    table = Table("secret", "set", "by", box=None)
    for secret in found:
        set_at = secret.updated_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(secret.name, set_at, secret.updated_by)
    out.print(table)
    return ExitCode.PASSED


def delete(name: Name) -> int:
    """Forget a secret."""
    with connect(Settings.load()) as client:
        client.secrets.delete(name)
    out.print(f"{name} is gone.")
    return ExitCode.PASSED


def _value(name: str) -> str:
    """Never from the command line, which every process of the machine can read."""
    if sys.stdin.isatty():
        return getpass.getpass(f"Value of {name}: ")
    read = sys.stdin.buffer.read(LONGEST + 3)
    try:
        return read.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as wrong:
        raise InvalidInput(f"The value of {name} is no UTF-8 text. Encode it first.") from wrong
