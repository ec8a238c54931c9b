"""Commands of agents."""

import typer

from cluster.cli import explore


def register(app: typer.Typer) -> None:
    """Add the commands."""
    agent = typer.Typer(help="Agents that test: explore.", no_args_is_help=True)
    explore.register(agent)
    app.add_typer(agent, name="agent")
