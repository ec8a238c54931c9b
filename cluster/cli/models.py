"""Commands about sources of models: set, list, remove."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cluster.cli.command import add_command
from cluster.cli.console import out, say_json
from cluster.cli.session import connect
from harness.domain.exit_code import ExitCode
from harness.domain.model_server import MOST_PRICE, ModelServer
from harness.domain.price import Price
from harness.errors import InvalidInput
from harness.settings import Settings

MILLIONTHS = 1_000_000

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
Name = Annotated[str, typer.Argument(help="First part of its models' names: NAME/model.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Servers of models that agents may ask.", no_args_is_help=True)
    for command in (set_source, list_sources, remove):
        add_command(group, command, name=command.__name__.partition("_")[0])
    app.add_typer(group, name="models")


def set_source(
    name: Name,
    base_url: Annotated[
        str, typer.Option(help="Of the OpenAI API, such as https://api.openai.com/v1.")
    ],
    key_secret: Annotated[
        str, typer.Option(help="The secret with its key, of the project that runs the agent.")
    ] = "",
    price: Annotated[
        list[str] | None,
        typer.Option(help="MODEL=PROMPT,COMPLETION: what a million tokens cost."),
    ] = None,
) -> int:
    """Configure a server that speaks the OpenAI API, or replace the one of this name."""
    server = ModelServer.parse(name, base_url, key_secret, _prices(price or []))
    with connect(Settings.load()) as client:
        stored = client.models.put(server)
    told = f"{stored.name} asks {stored.base_url}"
    out.print(f"{told} with the secret {key_secret}." if key_secret else f"{told} without a key.")
    return ExitCode.PASSED


def list_sources(as_json: AsJson = False) -> int:
    """List the servers; keys are shown to nobody."""
    with connect(Settings.load()) as client:
        found = client.models.list()
    if as_json:
        say_json([_plain(each) for each in found])
        return ExitCode.PASSED
    table = Table("source", "url", "key", "prices", "by", box=None)
    for each in found:
        row = (each.name, each.base_url, each.key_secret or "none", str(len(each.prices)), each.by)
        table.add_row(*map(escape, row))
    out.print(table if found else "There is no source of models. Set one: ath models set")
    return ExitCode.PASSED


def remove(name: Name) -> int:
    """Forget a server; agents that begin from now on cannot ask it."""
    with connect(Settings.load()) as client:
        client.models.remove(name)
    out.print(f"{name} is gone.")
    return ExitCode.PASSED


def _prices(texts: Sequence[str]) -> Mapping[str, Price]:
    return dict(map(_price, texts))


def _price(text: str) -> tuple[str, Price]:
    model, is_given, both = text.rpartition("=")
    prompt, comma, completion = both.partition(",")
    if not is_given or not comma:
        raise InvalidInput(f"{text[:80]!r} is no price; write MODEL=PROMPT,COMPLETION.")
    return model, Price(_millionths(prompt), _millionths(completion))


def _millionths(text: str) -> int:
    try:
        amount = Decimal(text) * MILLIONTHS
    except ArithmeticError:
        raise InvalidInput(f"{text[:80]!r} is no amount of money; write it as 1.25.") from None
    if not (amount.is_finite() and 0 <= amount <= MOST_PRICE) or amount != int(amount):
        most = MOST_PRICE // MILLIONTHS
        raise InvalidInput(f"{text[:80]!r} is no amount up to {most} with at most six decimals.")
    return int(amount)


def _plain(server: ModelServer) -> dict[str, object]:
    return {
        "name": server.name,
        "base_url": server.base_url,
        "key_secret": server.key_secret,
        "prices": {
            model: {
                "prompt": each.prompt / MILLIONTHS,
                "completion": each.completion / MILLIONTHS,
            }
            for model, each in server.prices.items()
        },
        "by": server.by,
        "at": server.at,
    }
