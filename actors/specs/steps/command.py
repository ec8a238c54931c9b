"""`command`: a program without a shell, what it must print, and the JUnit files it leaves."""

import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from actors.specs.answer_check import json_problems
from actors.specs.check import Check, problems
from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.model import SpecModel, Variable
from actors.specs.saved import Source

if TYPE_CHECKING:
    from actors.specs.program import Ended, Output

SAID_CHARACTERS = 2000


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
    save: dict[Variable, Source] = {}

    @property
    def summary(self) -> str:
        """What it does in a few words."""
        return shlex.join(self.run)


def run(step: CommandStep, context: StepContext) -> None:
    """Run the program to its end and check what came of it.

    Raises:
        StepFailed: it did not end, or something is not as expected.
    """
    from actors.specs.junit_files import failing_cases, snapshot
    from actors.specs.program import run_program

    folder = context.path(step.folder)
    before = snapshot(folder, step.junit, context) if step.junit else {}
    argv = [sys.executable if step.run[0] in {"python", "python3"} else step.run[0], *step.run[1:]]
    begun = context.test.clock.monotonic()
    env = {**context.test.environ, **step.env}
    ended = run_program(argv, folder, env, step.stdin, context.left, context.spend)
    seconds = context.test.clock.monotonic() - begun
    context.note(f"{shlex.join(step.run)} exited with {ended.exit_code} after {seconds:.2f} s")
    wrong = list(_problems(step.expect, ended))
    if step.junit:
        wrong = [*failing_cases(folder, step.junit, context, before), *wrong]
    if wrong:
        raise StepFailed("; ".join(wrong), **_said(ended))
    for name, source in step.save.items():
        context.save(name, source.value(_whole(ended.stdout)))


def _problems(expect: CommandExpectation, ended: "Ended") -> Iterator[str]:
    wanted = [expect.exit] if isinstance(expect.exit, int) else expect.exit
    if wanted is not None and ended.exit_code not in wanted:
        told = ", ".join(map(str, wanted))
        yield f"exit code is {ended.exit_code}, expected {told}"
    if expect.stdout is not None:
        yield from problems(expect.stdout, "stdout", [ended.stdout.text.strip()])
    if expect.stderr is not None:
        yield from problems(expect.stderr, "stderr", [ended.stderr.text.strip()])
    if expect.json_:
        yield from json_problems(expect.json_, _whole(ended.stdout))


def _whole(output: "Output") -> str:
    if not output.is_whole:
        raise StepFailed(f"its output has {output.size} bytes, too many to look into")
    return output.text


def _said(ended: "Ended") -> dict[str, str]:
    """The end of each stream, where programs say what went wrong."""
    texts = {"stdout": ended.stdout.text.strip(), "stderr": ended.stderr.text.strip()}
    return {name: text[-SAID_CHARACTERS:] for name, text in texts.items() if text}
