"""`browser`: what a person does in a browser, and sees."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from actors.specs.browser_action import NEEDS, Action
from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.model import SpecModel, Variable
from actors.specs.target import Target

if TYPE_CHECKING:
    from actors.specs.browser_actions import Browsing


class BrowserStep(SpecModel):
    """Actions in pytest-playwright's page, one after the other."""

    do: Annotated[list[Action], Field(min_length=1, max_length=200)]
    patience: Annotated[float, Field(gt=0, le=600)] = 5
    """How long each action waits for its element, and an expectation to hold, in seconds."""
    dialogs: Literal["dismiss", "accept"] = "dismiss"
    """What becomes of alerts, questions and prompts."""
    save: dict[Variable, Target] = {}
    """Texts of elements, after the last action."""

    @property
    def summary(self) -> str:
        """What it does in a few words."""
        more = f" and {len(self.do) - 1} more" if len(self.do) > 1 else ""
        return self.do[0].words + more


def run(step: BrowserStep, context: StepContext) -> None:
    """Do what the actions say.

    Raises:
        StepFailed: an element is not there, or something is not as expected.
    """
    browsing = browse(context, step.patience, step.dialogs)
    for action in step.do:
        browsing.act(action)
    for name, target in step.save.items():
        context.save(name, browsing.text(target))


def browse(context: StepContext, patience: float, dialogs: str = "dismiss") -> "Browsing":
    """The test's page, ready for actions.

    Raises:
        StepFailed: there is none, for playwright is not installed.
    """
    try:
        from actors.specs.browser_actions import Browsing
    except ImportError:
        raise StepFailed(NEEDS) from None
    return Browsing.of(context, patience, dialogs)
