"""The actions of browser steps, for tests in Python."""

from dataclasses import dataclass
from typing import Any

from actors.specs.browser_action import Action
from actors.specs.context import StepContext, TestContext
from actors.specs.steps.browser import browse
from actors.specs.twin_record import checked, recorded

SECONDS = 60.0


@dataclass(frozen=True, slots=True, repr=False)
class Browser:
    """pytest-playwright's page; each action is recorded as a step of its own.

    Elements are named as in a spec: `ath.browser.click(role="button", name="Buy")`.
    """

    _test: TestContext
    patience: float = 5.0
    """How long an action waits for its element, and an expectation to hold, in seconds."""

    @property
    def page(self) -> Any:  # Any: playwright is optional
        """Playwright's own page, whose use is not recorded."""
        return self._test.fixture("page")

    def goto(self, target: str) -> None:
        """Open a path below the base URL, or an address."""
        __tracebackhide__ = True
        self._act("goto", target)

    def click(self, css: str | None = None, **target: Any) -> None:  # Any: fields of a target
        """Click an element."""
        __tracebackhide__ = True
        self._act("click", css or target)

    def fill(self, value: str, **target: Any) -> None:  # Any: as above
        """Replace what a field holds."""
        __tracebackhide__ = True
        self._act("fill", {**target, "value": value})

    def select(self, value: str, **target: Any) -> None:  # Any: as above
        """Choose an option, by its value or label."""
        __tracebackhide__ = True
        self._act("select", {**target, "value": value})

    def check(self, **target: Any) -> None:  # Any: as above
        """Tick a box."""
        __tracebackhide__ = True
        self._act("check", target)

    def uncheck(self, **target: Any) -> None:  # Any: as above
        """Take the tick away."""
        __tracebackhide__ = True
        self._act("uncheck", target)

    def press(self, key: str, **target: Any) -> None:  # Any: as above
        """Press a key, in an element or where the focus is."""
        __tracebackhide__ = True
        self._act("press", {"key": key, **({"into": target} if target else {})})

    def screenshot(self, name: str) -> None:
        """Keep a picture of what is seen, under this name."""
        __tracebackhide__ = True
        self._act("screenshot", name)

    def expect(self, **sight: Any) -> None:  # Any: as `expect` of a spec's action holds it
        """Wait until all of it holds.

        Raises:
            StepFailed: it does not within the patience.
        """
        __tracebackhide__ = True
        self._act("expect", sight)

    def _act(self, name: str, value: object) -> None:
        __tracebackhide__ = True
        action = checked(Action, {name: value})

        def act(context: StepContext) -> None:
            browse(context, self.patience).perform(action)

        recorded(self._test, "browser", action.words, SECONDS, act)
