"""Who says what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import Field

from actors.specs.agents.page_view import PageView
from actors.specs.browser_action import Action
from actors.specs.model import SpecModel

DOES = frozenset({"goto", "click", "fill", "press", "select", "check", "uncheck"})
"""Of a browser step's actions, those that a planner may choose."""


class Proposal(SpecModel):
    """One action, and why."""

    action: Action
    """Exactly one of goto, click, fill, press, select, check, uncheck."""
    reason: Annotated[str, Field(max_length=300)] = ""
    """Why, in a few words."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A proposal, and what became of it."""

    proposal: Proposal
    problem: str = ""
    """Why it was refused or could not be carried out; empty where it was."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a planner is given; what the page says is data, never a wish."""

    goal: str
    inputs: Sequence[str]
    """Names; a planner writes `${inputs.<name>}` where a value belongs."""
    unmet: Sequence[str]
    """What does not hold yet of what must."""
    view: PageView
    turns: Sequence[Turn] = ()


@dataclass(slots=True)
class Spent:
    """What planning cost."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Stuck(Exception):
    """The planner knows no next action; the message says why."""

    def __init__(self, message: str, stop: str = "stuck") -> None:
        """`stop` is the reason in a word: stuck, budget, model."""
        super().__init__(message)
        self.stop = stop


class Planner(Protocol):
    """Leads one goal; asked once for each turn."""

    name: str
    """Who plans, for people."""
    spent: Spent

    def next(self, situation: Situation, seconds: float) -> Proposal:
        """The next action.

        Args:
            situation: as it is now.
            seconds: until the answer must be there.

        Raises:
            Stuck: it knows none.
        """
        ...


def refusal(action: Action) -> str:
    """Why a planner may not do this; empty where it may."""
    (kind,) = action.model_fields_set
    if kind not in DOES:
        return f"{kind} is no action for a planner: {', '.join(sorted(DOES))} are"
    value = getattr(action, kind)
    target = value.into if kind == "press" else value
    while target is not None and kind != "goto":
        if target.css is not None:
            return "name the element as the page does, by role and name, not by css"
        target = target.inside
    return ""
