"""Every command that the pages show is one: it exists and knows the options."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

import pytest
import typer

from cluster.cli.main import app
from tests.support.pages import PAGES, commands

PROGRAM = typer.main.get_command(app)
MENTION = re.compile(r"`ath ([a-z][^`\n…|>\[]*)")
WHOLE = sorted({line for page in PAGES for line in commands(page) if line.startswith("ath ")})
MENTIONS = sorted(
    {words for page in PAGES for words in MENTION.findall(page.read_text(encoding="utf-8"))}
)


def _resolved(words: Sequence[str]) -> tuple[Any, list[str]]:  # Any: typer types no commands
    """The command that the first words name, and the rest."""
    command, rest = PROGRAM, list(words)
    while hasattr(command, "commands"):
        assert rest, f"{words}: this names no command"
        assert rest[0] in command.commands, f"{words}: there is no command {rest[0]}"
        command = command.commands[rest.pop(0)]
    return command, rest


@pytest.mark.parametrize("line", WHOLE)
def test_shown_command_is_understood(line: str) -> None:
    command, rest = _resolved(shlex.split(line)[1:])
    command.make_context("ath", rest)


@pytest.mark.parametrize("words", MENTIONS)
def test_mentioned_command_has_the_options(words: str) -> None:
    command, rest = _resolved(words.partition(" -- ")[0].split())
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    told = {word for word in rest if word.startswith("-") and word != "--"}
    assert told <= {*known, "--help"}


def test_something_is_shown() -> None:
    assert len(WHOLE) > 15
    assert len(MENTIONS) > 15
