"""Entry point of `ath`: one word, one command; errors become a sentence and an exit code."""

import sys

import click
import typer

from cluster.cli import look, machine, run
from cluster.cli.console import complain
from harness.domain.exit_code import ExitCode
from harness.errors import HarnessError, InvalidInput, NotFound, TooLarge

app = typer.Typer(
    name="ath",
    help="Run tests and agents side by side, on this machine or a Ray cluster.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
machine.register(app)
run.register(app)
look.register(app)


def main() -> None:
    """Run the command line; never returns."""
    try:
        code = app(standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        code = ExitCode.USAGE
    except (InvalidInput, NotFound, TooLarge) as wrong:
        complain(str(wrong))
        code = ExitCode.USAGE
    except HarnessError as trouble:
        complain(str(trouble))
        code = ExitCode.INFRASTRUCTURE
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = ExitCode.CANCELLED
    sys.exit(code if isinstance(code, int) else 0)
