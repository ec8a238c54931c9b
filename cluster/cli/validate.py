"""Commands about specs: validate, schema."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cluster.cli.command import add_command
from cluster.cli.console import err, out, say_json
from harness.domain.exit_code import ExitCode
from harness.errors import InvalidInput

_PASSED_BY = {"node_modules", "__pycache__", "site-packages"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    add_command(app, validate)
    add_command(app, schema)


def validate(
    paths: Annotated[list[Path] | None, typer.Argument(help="Specs, or folders of them.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Check specs (*.ath.yaml) without running them; each mistake with its line."""
    from actors.specs.loader import load_file
    from actors.specs.problem import InvalidSpec, Problem

    files = _specs(paths or [Path()])
    problems: list[Problem] = []
    for file in files:
        try:
            load_file(file)
        except InvalidSpec as wrong:
            problems += wrong.problems
    if as_json:
        told = [{name: getattr(each, name) for name in each.__slots__} for each in problems]
        say_json({"files": [str(file) for file in files], "problems": told})
    for problem in () if as_json else problems:
        out.print(str(problem), markup=False)
    wrong_files = len({problem.file for problem in problems})
    plural = "s" if len(files) != 1 else ""
    err.print(f"{len(files)} spec{plural}, {wrong_files} with mistakes", markup=False)
    return ExitCode.USAGE if problems else ExitCode.PASSED


def schema(
    of: Annotated[str, typer.Argument(help="What to describe: spec.")] = "spec",
) -> int:
    """Print the JSON Schema of specs, for editors."""
    from actors.specs.schema import json_schema

    if of != "spec":
        raise InvalidInput(f"There is no schema of {of!r}; there is one of: spec.")
    out.print_json(data=json_schema(), indent=2, highlight=False)
    return ExitCode.PASSED


def _specs(paths: Sequence[Path]) -> list[Path]:
    """All specs at these places, each once, in order.

    Raises:
        InvalidInput: a path does not exist, or there is no spec at all.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise InvalidInput(f"{path} does not exist.")
        found.update(dict.fromkeys(sorted(_inside(path)) if path.is_dir() else [path]))
    if not found:
        where = ", ".join(map(str, paths))
        raise InvalidInput(f"No *.ath.yaml in {where}. Name specs, or a folder that holds some.")
    return list(found)


def _inside(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [n for n in folders if not n.startswith(".") and n not in _PASSED_BY]
        yield from (Path(parent, name) for name in files if name.endswith(".ath.yaml"))
