"""`browser`: what a person does in a browser, and sees."""

from pydantic import RootModel

from actors.specs.context import StepContext


class BrowserStep(RootModel[list[dict[str, object]]]):
    """Actions, one after the other."""


def run(step: BrowserStep, context: StepContext) -> None:
    """Do what the actions say in pytest-playwright's page."""
    raise NotImplementedError
