"""Entry point of `ath`: one word, one command; errors become a sentence and an exit code."""

import sys

import typer

from cluster.cli import (
    agent,
    environments,
    freeze,
    imports,
    look,
    machine,
    models,
    policy,
    quarantine,
    quotas,
    rerun,
    run,
    sandbox,
    secrets,
    validate,
)
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
rerun.register(app)
imports.register(app)
look.register(app)
freeze.register(app)
environments.register(app)
secrets.register(app)
quotas.register(app)
quarantine.register(app)
validate.register(app)
policy.register(app)
models.register(app)
agent.register(app)
sandbox.register(app)


def main() -> None:
    """Run the command line; never returns."""
    try:
        app()
    except (InvalidInput, NotFound, TooLarge) as wrong:
        complain(str(wrong))
        sys.exit(ExitCode.USAGE)
    except HarnessError as trouble:
        complain(str(trouble))
        sys.exit(ExitCode.INFRASTRUCTURE)
    except KeyboardInterrupt:
        sys.exit(ExitCode.CANCELLED)
