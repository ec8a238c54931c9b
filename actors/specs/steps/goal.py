"""`goal`: what a person would be told to reach in a browser, and how it is known that they did."""

from typing import Annotated, Literal

from pydantic import Field

from actors.specs.browser_action import Sight
from actors.specs.context import StepContext
from actors.specs.model import Name, SpecModel


class GoalStep(SpecModel):
    """A goal in the test's page; `until` alone says whether it is reached."""

    do: Annotated[str, Field(min_length=1, max_length=4000)]
    """What to reach, as a person would be told."""
    until: Annotated[list[Sight], Field(min_length=1, max_length=50)]
    """What must hold in the end, and must not hold before; nobody else judges."""
    inputs: Annotated[dict[Name, str], Field(max_length=50)] = {}
    """Values by name; planners and records see names only."""
    model: Annotated[str, Field(max_length=200)] | None = None
    """Who plans, such as `openai/gpt-6`; without one the goal's words are matched."""
    most_turns: Annotated[int, Field(ge=1, le=200)] = 20
    """How many actions a planner may try."""
    drift: Literal["fail", "report", "heal"] = "fail"
    """What becomes of a frozen list whose elements do not mean the same any more."""
    patience: Annotated[float, Field(gt=0, le=600)] = 5
    """How long each action waits for its element, and the page for what must hold, in seconds."""
    dialogs: Literal["dismiss", "accept"] = "dismiss"
    """What becomes of alerts, questions and prompts."""

    @property
    def summary(self) -> str:
        """What it is about."""
        return self.do


def run(step: GoalStep, context: StepContext) -> None:
    """Reach the goal: by its frozen list, or by a plan.

    Raises:
        StepFailed: it is not reached.
    """
    from actors.specs.steps.browser import browse

    browsing = browse(context, step.patience, step.dialogs)
    from actors.specs.agents.goal_run import GoalRun

    GoalRun.of(step, browsing).run()
