"""What the README shows can be typed; `tests/e2e/test_readme.py` carries it out."""

import re
from collections.abc import Sequence

import pytest
import typer.main

from cluster.cli.main import app
from tests.architecture.source import ROOT
from tests.support.pages import blocks

SHOWN = blocks("README.md")
COMMANDS = [words for block in blocks("README.md", "bash") for words in block.commands]


def of(program: str) -> list[Sequence[str]]:
    return [words[1:] for words in COMMANDS if words[0] == program]


def test_nothing_is_shown_that_no_test_looks_at() -> None:
    assert {block.kind for block in SHOWN} == {"text", "bash", "python"}
    assert {words[0] for words in COMMANDS} == {"ath", "make", "curl"}


@pytest.mark.parametrize("words", of("ath"), ids=" ".join)
def test_shown_command_is_understood(words: Sequence[str]) -> None:
    command, left = typer.main.get_command(app), list(words)
    context = command.make_context("ath", left)
    while hasattr(command, "resolve_command"):
        name, command, left = command.resolve_command(context, left)
        context = command.make_context(name, left, parent=context)
        left = [*context._protected_args, *context.args]
    assert context.command is command


@pytest.mark.parametrize("target", [words[0] for words in of("make")])
def test_shown_target_is_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("block", blocks("README.md", "python"), ids=lambda block: block.kind)
def test_shown_python_compiles(block: object) -> None:
    compile(getattr(block, "text"), "README.md", "exec")  # noqa: B009
