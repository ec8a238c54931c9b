"""`command`: a program without a shell, what it must print, and the JUnit files it leaves."""

from typing import Annotated

from pydantic import Field

from actors.specs.check import Check
from actors.specs.context import StepContext
from actors.specs.model import Name, SpecModel
from actors.specs.saved import Source


class CommandExpectation(SpecModel):
    """What must hold when the program has ended."""

    exit: int | list[int] | None = 0
    """Its exit code, or several; null: any."""
    stdout: Check | None = None
    """Its output without white space around it."""
    stderr: Check | None = None
    json_: Annotated[dict[str, Check], Field(alias="json")] = {}
    """JSONPath and what must hold there, in its output."""


class CommandStep(SpecModel):
    """One program."""

    run: Annotated[list[str], Field(min_length=1)]
    """The program and its arguments; `python` is the interpreter that runs the specs."""
    folder: str = "."
    """Where it runs, from the spec's folder."""
    env: dict[str, str] = {}
    """Environment variables besides those of the suite."""
    stdin: str = ""
    expect: CommandExpectation = CommandExpectation()
    junit: str | None = None
    """Files that it leaves, as a glob from its folder; their failing cases make the step fail."""
    save: dict[Name, Source] = {}


def run(step: CommandStep, context: StepContext) -> None:
    """Run the program to its end and check what came of it."""
    raise NotImplementedError
