"""A command is a function that gives its exit code."""

import functools
from collections.abc import Callable
from typing import ParamSpec

import typer

_P = ParamSpec("_P")


def add_command(app: typer.Typer, function: Callable[_P, int], name: str | None = None) -> None:
    """Add a function under its own or another name; its value becomes the exit code."""

    @functools.wraps(function)
    def command(*args: _P.args, **kwargs: _P.kwargs) -> None:
        raise typer.Exit(int(function(*args, **kwargs)))

    app.command(name)(command)
