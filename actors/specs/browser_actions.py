"""Actions in pytest-playwright's page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error

from actors.specs.browser_action import NEEDS, Action, Pressed, Seen, Sight, Typed
from actors.specs.browser_guard import BrowserGuard
from actors.specs.check import problems
from actors.specs.context import EGRESS, StepContext
from actors.specs.failure import StepFailed
from actors.specs.located import located
from actors.specs.steps.api import whole_url
from actors.specs.target import Target

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TEXT_CHARACTERS = 100_000
_POLL_SECONDS = 0.1
_TEXT = f"element => (element.innerText ?? element.textContent ?? '').slice(0, {TEXT_CHARACTERS})"
_TITLE = f"document.title.slice(0, {TEXT_CHARACTERS})"
_GUARD = "browser guard"


@dataclass(frozen=True, slots=True)
class Browsing:
    """The test's page during one try of a step."""

    context: StepContext
    page: "Page"
    guard: BrowserGuard
    patience: float

    @classmethod
    def of(cls, context: StepContext, patience: float, dialogs: str) -> "Browsing":
        """The page that pytest-playwright gives the test.

        Raises:
            StepFailed: there is none.
        """
        try:
            page = context.test.fixture("page")
        except pytest.FixtureLookupError:
            raise StepFailed(NEEDS) from None
        kept = context.test.kept
        if _GUARD not in kept:
            guard = BrowserGuard(context.test.allow, egress=kept.get(EGRESS))
            guard.watch(page)
            kept[_GUARD] = guard
        guard = kept[_GUARD]
        guard.dialogs = dialogs
        return cls(context, page, guard, patience)

    def act(self, action: Action) -> None:
        """Carry out one action, recorded as a part of the step.

        Raises:
            StepFailed: it cannot be, or something is not as expected.
        """
        with self.context.test.recorder.step("action", action.words):
            self.perform(action)

    def perform(self, action: Action) -> None:
        """The same without a record.

        Raises:
            StepFailed: as above.
        """
        (name,) = action.model_fields_set
        try:
            _ACTIONS[name](self, getattr(action, name))
        except Error as error:
            self.guard.check()
            first, _, rest = error.message.partition("\n")
            raise StepFailed(f"{action.words}: {first}", log=rest[:2000]) from None
        except StepFailed:
            # Where the page went says more than what the proxy answered in its place.
            self.guard.check()
            raise
        finally:
            for told in self.guard.news():
                self.context.note(told)
        self.guard.check()

    def text(self, target: Target) -> str:
        """What an element shows, without white space around it."""
        found = self._found(target).evaluate(_TEXT, timeout=self._milliseconds())
        return str(found).strip()

    def located(self, target: Target) -> "Locator":
        """The elements that it names; waits for nothing."""
        return self._found(target)

    def unmet(self, sight: Sight) -> Sequence[str]:
        """What of it does not hold now."""
        try:
            return self._wrong(sight)
        except Error as error:
            # The page is on its way to another.
            return [error.message.partition("\n")[0]]

    def goto(self, target: str) -> None:
        """Open a page."""
        url = whole_url(self.context.test.base_url, target)
        self.context.test.allow.check(url)
        answer = self.page.goto(url, timeout=self.context.left() * 1000)
        if answer is not None and answer.status >= 400:
            raise StepFailed(f"{url} gave status {answer.status}")

    def click(self, target: Target) -> None:
        """Click an element."""
        self._found(target).click(timeout=self._milliseconds())

    def fill(self, typed: Typed) -> None:
        """Replace what a field holds."""
        self._found(typed).fill(typed.value, timeout=self._milliseconds())

    def press(self, pressed: Pressed) -> None:
        """Press a key."""
        if pressed.into is None:
            self.page.keyboard.press(pressed.key)
        else:
            self._found(pressed.into).press(pressed.key, timeout=self._milliseconds())

    def select(self, typed: Typed) -> None:
        """Choose an option."""
        self._found(typed).select_option(typed.value, timeout=self._milliseconds())

    def tick(self, target: Target) -> None:
        """Tick a box."""
        self._found(target).check(timeout=self._milliseconds())

    def untick(self, target: Target) -> None:
        """Take the tick away."""
        self._found(target).uncheck(timeout=self._milliseconds())

    def screenshot(self, name: str) -> None:
        """Keep a picture with the test's other files."""
        folder = Path(self.context.test.fixture("output_path"))
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", timeout=self._milliseconds())

    def expect(self, sight: Sight) -> None:
        """Wait until all of it holds.

        Raises:
            StepFailed: it does not within the patience.
        """
        now = self.context.test.clock.monotonic
        until = now() + min(self.patience, self.context.left())
        while True:
            wrong = list(self._wrong(sight))
            if not wrong:
                return
            self.guard.check()
            if now() >= until:
                raise StepFailed("; ".join(wrong), url=self.page.url)
            self.page.wait_for_timeout(_POLL_SECONDS * 1000)

    def _wrong(self, sight: Sight) -> Sequence[str]:
        told: list[str] = []
        if sight.url is not None:
            told += problems(sight.url, "the address", [self.page.url])
        if sight.title is not None:
            told += problems(sight.title, "the title", [self.page.evaluate(_TITLE)])
        if sight.visible is not None and not self._found(sight.visible).first.is_visible():
            told.append(f"{sight.visible.words} is not visible")
        if sight.hidden is not None and self._found(sight.hidden).first.is_visible():
            told.append(f"{sight.hidden.words} is visible")
        for what, seen, read in (
            ("the text", sight.text, lambda found: str(found.evaluate(_TEXT)).strip()),
            ("the value", sight.value, lambda found: found.input_value(timeout=1000)),
        ):
            if seen is not None:
                told += self._of_element(what, seen, read)
        if sight.count is not None:
            count = self._found(sight.count).count()
            told += problems(sight.count.be, f"the count of {sight.count.words}", [count])
        return told

    def _of_element(self, what: str, seen: Seen, read: Callable[[Any], str]) -> Sequence[str]:
        """Any: a locator, which must be there before it can be read."""
        found = self._found(seen)
        values = [read(found.first)] if found.count() else []
        return list(problems(seen.be, f"{what} of {seen.words}", values))

    def _found(self, target: Target) -> "Locator":
        around: Page | Locator = self._found(target.inside) if target.inside else self.page
        found: Locator = located(around, target)
        return found if target.nth is None else found.nth(target.nth)

    def _milliseconds(self) -> float:
        return min(self.patience, self.context.left()) * 1000


_ACTIONS: dict[str, Callable[[Browsing, Any], None]] = {  # Any: each takes its own value
    "goto": Browsing.goto,
    "click": Browsing.click,
    "fill": Browsing.fill,
    "press": Browsing.press,
    "select": Browsing.select,
    "check": Browsing.tick,
    "uncheck": Browsing.untick,
    "expect": Browsing.expect,
    "screenshot": Browsing.screenshot,
}
