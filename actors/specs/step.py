"""One step of a test: what its kind needs, and how often and how long it may try."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from actors.specs.context import StepContext
from actors.specs.model import Name, Seconds, SpecModel
from actors.specs.steps import agent, api, browser, command, data, goal
from actors.specs.steps.agent import AgentStep
from actors.specs.steps.api import ApiStep
from actors.specs.steps.browser import BrowserStep
from actors.specs.steps.command import CommandStep
from actors.specs.steps.data import DataStep
from actors.specs.steps.goal import GoalStep

KINDS: Mapping[str, Callable[[Any, StepContext], None]] = {  # Any: each takes its own model
    "agent": agent.run,
    "api": api.run,
    "browser": browser.run,
    "command": command.run,
    "data": data.run,
    "goal": goal.run,
}


class Retry(SpecModel):
    """Try until it passes."""

    seconds: Seconds
    """How long to go on trying."""
    every: Annotated[float, Field(ge=0, le=600)] = 0.5
    """Pause between two tries, in seconds."""


class Repeat(SpecModel):
    """Do it several times; every time must pass."""

    times: Annotated[int, Field(ge=1, le=1000)]
    every: Annotated[float, Field(ge=0, le=600)] = 0
    """Pause between two times, in seconds."""


class Step(SpecModel):
    """One step; exactly one kind."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [kind]} for kind in KINDS]})

    id: Name | None = None
    """Makes what it saves known as `${steps.<id>.<name>}`."""
    name: Annotated[str, Field(max_length=200)] | None = None
    """What it does, for people."""
    seconds: Seconds = 60
    """Deadline of one try."""
    retry: Retry | None = None
    repeat: Repeat | None = None
    agent: AgentStep | None = None
    """A program that acts by itself, in a sandbox, and what must have come of it."""
    api: ApiStep | None = None
    """An HTTP request and what its answer must be."""
    browser: BrowserStep | None = None
    """What a person does in a browser, and sees."""
    command: CommandStep | None = None
    """A program, what it must print, and the JUnit files it leaves."""
    data: DataStep | None = None
    """Rows of files, a database or a fixture, and what must hold of them."""
    goal: GoalStep | None = None
    """What to reach in a browser, in words, and how it is known."""

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "kind",
                "a step has exactly one of {kinds}; this has {given}",
                {"kinds": ", ".join(KINDS), "given": " and ".join(given) or "none"},
            )
        return self

    @property
    def kind(self) -> str:
        """Which kind it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def summary(self) -> str:
        """What it does in a few words, look-ups unreplaced, if its kind can say."""
        words = getattr(getattr(self, self.kind), "summary", "")
        return str(words)[:200] or self.kind

    def run(self, context: StepContext) -> None:
        """Carry it out once.

        Raises:
            StepFailed: something is not as expected.
        """
        KINDS[self.kind](getattr(self, self.kind), context)
