"""`agent`: a program that acts by itself, in a sandbox behind the broker; judged by what it did."""

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from actors.agents.agent_wish import AgentLimits, AgentName, AgentWish, Turn, policy_of
from actors.specs.answer_check import json_problems
from actors.specs.check import Check, problems
from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.model import Json, SpecModel, Variable
from actors.specs.saved import Source
from harness.errors import InvalidInput

if TYPE_CHECKING:
    from actors.specs.agent_desk import AgentAnswer

SAID_CHARACTERS = 2000


class AgentExpectation(SpecModel):
    """What must hold when the program has ended. What it says of itself is no verdict."""

    exit: int | list[int] | None = 0
    """Its exit code, or several; null: any."""
    stopped: str | None = None
    """Why it ended: exit, budget, timeout, oom, pids, disk, output, policy or killed."""
    stdout: Check | None = None
    """Its output without white space around it."""
    stderr: Check | None = None
    json_: Annotated[dict[str, Check], Field(alias="json")] = {}
    """JSONPath and what must hold there, in its output."""
    files: dict[str, Check] = {}
    """Files that it leaves, and what must hold of their text."""
    refused: Check | None = None
    """How many things it wanted that its policy does not allow."""
    turns: Check | None = None
    """How many model calls it made."""


class AgentStep(SpecModel):
    """One program."""

    program: Annotated[list[str], Field(min_length=1)]
    """The program and its arguments; `python` is the interpreter of `python`, below."""
    name: AgentName | None = None
    """The agent's, whose stored policy holds for it."""
    policy: str | dict[str, Json] | None = None
    """What it may do here, as a policy document or the name of its file."""
    script: str | Annotated[list[Turn], Field(max_length=1000)] = []
    """What the model `scripted/…` says, turn by turn, or the name of its file."""
    python: str = ""
    """An interpreter of this machine whose packages the program gets, read-only."""
    files: list[str] = ["*"]
    """What of the spec's folder it begins with: names and globs."""
    env: dict[str, str] = {}
    stdin: str = ""
    databases: dict[AgentName, str] = {}
    """For its tool `sql.read`: by name, the secret that holds the database's address."""
    limits: AgentLimits = AgentLimits()
    expect: AgentExpectation = AgentExpectation()
    keep: list[str] = []
    """Files of its own that become artifacts."""
    save: dict[Variable, Source] = {}
    """From its output."""

    @model_validator(mode="after")
    def _policy_is_one(self) -> Self:
        # With look-ups it is checked when these are replaced.
        if isinstance(self.policy, dict) and "${" not in str(self.policy):
            try:
                policy_of(self.policy)
            except InvalidInput as wrong:
                raise PydanticCustomError("policy", "{why}", {"why": str(wrong)}) from None
        return self

    @property
    def summary(self) -> str:
        """What it does in a few words."""
        return shlex.join(self.program)


def run(step: AgentStep, context: StepContext) -> None:
    """Let the program run to its end and check what came of it.

    Raises:
        StepFailed: it could not run, or something is not as expected.
    """
    from actors.agents.transcript import spent_of
    from actors.specs.agent_desk import AgentDesk, packed

    desk = AgentDesk.of(context.test.config)
    archive = packed(context.test.folder, step.files)
    answer = desk.run(_wish(step, context), archive, lambda turn: _record(turn, context))
    context.spend(len(answer.stdout) + len(answer.stderr))
    context.note(
        f"{shlex.join(step.program)} stopped ({answer.stopped}, exit code {answer.exit_code}) "
        f"after {answer.seconds:.2f} s: {spent_of(answer.spent)}"
    )
    wrong = list(_problems(step.expect, answer))
    if wrong:
        raise StepFailed("; ".join(wrong), **_said(answer))
    for name, source in step.save.items():
        context.save(name, source.value(_text(answer.stdout)))


def _wish(step: AgentStep, context: StepContext) -> AgentWish:
    return AgentWish(
        argv=step.program,
        name=step.name,
        policy=_policy(step, context),
        script=_script(step, context),
        environ=step.env,
        stdin=step.stdin,
        seconds=context.left(),
        limits=step.limits,
        databases=step.databases,
        python=step.python,
        brings=list(dict.fromkeys([*step.keep, *step.expect.files])),
    )


def _policy(step: AgentStep, context: StepContext) -> dict[str, Json] | None:
    if not isinstance(step.policy, str):
        return step.policy
    found = _document(step.policy, context)
    if not isinstance(found, dict):
        raise StepFailed(f"{step.policy} is no policy")
    try:
        policy_of(found)
    except InvalidInput as wrong:
        raise StepFailed(f"{step.policy}: {wrong}") from None
    return found


def _script(step: AgentStep, context: StepContext) -> list[Turn]:
    if not isinstance(step.script, str):
        return step.script
    found = _document(step.script, context)
    if not isinstance(found, list):
        raise StepFailed(f"{step.script} is no script: write a list of turns")
    return [Turn.model_validate(each) for each in found]


def _document(name: str, context: StepContext) -> Any:  # Any: what YAML holds
    from actors.specs.document import MOST_BYTES, read_document
    from actors.specs.problem import InvalidSpec

    try:
        with context.path(name).open("rb") as file:
            return read_document(name, file.read(MOST_BYTES + 1)).value
    except (OSError, InvalidSpec) as failed:
        raise StepFailed(f"{name} cannot be read: {failed}") from None


def _record(turn: Mapping[str, Any], context: StepContext) -> None:  # Any: JSON of the transcript
    """What it did, as a step within this one."""
    from actors.agents.transcript import LINE_CHARACTERS, line_of

    said, is_refused = str(turn.get("said", "")), "refused" in turn
    context.test.recorder.add(
        turn["kind"],
        f"{turn['name']}: refused" if is_refused else line_of(turn),
        "failed" if is_refused or turn.get("error") else "passed",
        str(turn["why"]) if is_refused else said if len(said) > LINE_CHARACTERS else "",
        float(turn.get("seconds", 0.0)),
    )


def _problems(expect: AgentExpectation, answer: "AgentAnswer") -> Iterator[str]:
    yield from _end_problems(expect, answer)
    for name, check in (("stdout", expect.stdout), ("stderr", expect.stderr)):
        if check is not None:
            yield from problems(check, name, [_text(getattr(answer, name)).strip()])
    if expect.json_:
        yield from json_problems(expect.json_, _text(answer.stdout))
    for path, check in expect.files.items():
        data = answer.files.get(path)
        yield from problems(check, path, [] if data is None else [_text(data)])
    if expect.refused is not None:
        yield from problems(expect.refused, "refused", [sum(answer.refused.values())])
    if expect.turns is not None:
        yield from problems(expect.turns, "turns", [answer.spent.get("turns", 0)])


def _end_problems(expect: AgentExpectation, answer: "AgentAnswer") -> Iterator[str]:
    wanted = [expect.exit] if isinstance(expect.exit, int) else expect.exit
    if expect.stopped is not None and answer.stopped != expect.stopped:
        yield f"it stopped by {answer.stopped}, expected {expect.stopped}"
    if wanted is not None and expect.stopped in {None, "exit"} and answer.exit_code not in wanted:
        told = ", ".join(map(str, wanted))
        yield f"exit code is {answer.exit_code} ({answer.stopped}), expected {told}"


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _said(answer: "AgentAnswer") -> dict[str, str]:
    """The end of each stream, where programs say what went wrong."""
    texts = {"stdout": _text(answer.stdout).strip(), "stderr": _text(answer.stderr).strip()}
    return {name: text[-SAID_CHARACTERS:] for name, text in texts.items() if text}
