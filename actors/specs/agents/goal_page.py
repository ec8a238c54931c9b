"""The test's page as a goal sees and uses it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Error

from actors.specs.agents.fingerprint import Fingerprint, fingerprint_of
from actors.specs.agents.inputs import Inputs
from actors.specs.agents.page_node import read_nodes
from actors.specs.agents.page_view import PageView
from actors.specs.agents.planner import Proposal, refusal
from actors.specs.allow_list import address
from actors.specs.browser_action import Action, Sight
from actors.specs.failure import StepFailed
from actors.specs.target import Target

if TYPE_CHECKING:
    from playwright.sync_api import Request, Route

    from actors.specs.browser_actions import Browsing

POLL_SECONDS = 0.1
VIEW_SECONDS = 10.0
"""Within which a page says what it shows."""
_REF = re.compile(r"\[ref=(\w+)\]")
_MARKS = "e => [e.tagName.toLowerCase(), e.getAttribute('data-testid') ?? '']"


@dataclass(frozen=True, slots=True)
class Located:
    """What a target leads to now."""

    count: int
    fingerprint: Fingerprint | None = None
    """Of the one element."""


@dataclass(slots=True)
class GoalPage:
    """One page, bound to the hosts of its test."""

    browsing: "Browsing"
    inputs: Inputs
    hosts: frozenset[str]
    strayed: str = ""
    """Where it wanted to go and must not."""

    @classmethod
    def of(cls, browsing: "Browsing", inputs: Inputs) -> "GoalPage":
        """The page where it is; its own host, that of base_url and those allowed are its hosts."""
        own = (address(browsing.context.test.base_url), address(browsing.page.url))
        return cls(browsing, inputs, frozenset(each for each in own if each))

    @property
    def is_blank(self) -> bool:
        """Whether nothing was opened yet."""
        return self.browsing.page.url == "about:blank"

    @contextmanager
    def kept(self) -> Iterator[None]:
        """As long as the block, it goes to no other host, whoever asks for it."""
        page = self.browsing.page

        def route(route: "Route", request: "Request") -> None:
            leads = request.is_navigation_request() and request.frame == page.main_frame
            if leads and not self._is_allowed(request.url):
                self.strayed = self.strayed or request.url
                route.abort("blockedbyclient")
            else:
                route.fallback()

        page.route("**/*", route)
        try:
            yield
        finally:
            with suppress(Error):
                page.unroute("**/*", route)

    def view(self) -> PageView:
        """What it shows now.

        Raises:
            StepFailed: the page does not answer.
        """
        page, left = self.browsing.page, self.browsing.context.left()
        try:
            snapshot = page.aria_snapshot(mode="ai", timeout=min(left, VIEW_SECONDS) * 1000)
            title = str(page.evaluate("document.title.slice(0, 300)"))
        except Error as error:
            self.browsing.guard.check()
            told = error.message.partition("\n")[0]
            raise StepFailed(f"the page cannot be read: {told}") from None
        nodes, is_whole = read_nodes(snapshot, self.inputs.hide)
        hide = self.inputs.hide
        return PageView(hide(page.url)[:1000], hide(title), nodes, is_whole)

    def settled(self, until: Sequence[Sight]) -> tuple[PageView, Sequence[str]]:
        """The page when it looks the same twice, and what does not hold; at once if all does."""
        now = self.browsing.context.test.clock.monotonic
        latest = now() + self.browsing.patience
        view = self._patient_view()
        while True:
            unmet = self.unmet(until)
            if not unmet:
                return view, ()
            self.pause()
            after = self._patient_view()
            if after.digest == view.digest or now() >= latest:
                return after, unmet
            view = after

    def changes(self, view: PageView, until: Sequence[Sight]) -> bool:
        """Wait within the patience for another page, or for what must hold."""
        now = self.browsing.context.test.clock.monotonic
        latest = now() + self.browsing.patience
        while now() < latest:
            if not self.unmet(until) or self._patient_view().digest != view.digest:
                return True
            self.pause()
        return False

    def unmet(self, until: Sequence[Sight]) -> Sequence[str]:
        """What does not hold now of what must, without values.

        Raises:
            StepFailed: the page did what it must not.
        """
        self.browsing.guard.check()
        self.stay()
        return [self.inputs.hide(each) for sight in until for each in self.browsing.unmet(sight)]

    def pause(self) -> None:
        """Let a moment pass.

        Raises:
            StepFailed: no time is left.
        """
        self.browsing.context.left()
        self.browsing.page.wait_for_timeout(POLL_SECONDS * 1000)

    def refusal(self, action: Action) -> str:
        """Why this may not be done here; empty where it may."""
        unknown = self.inputs.unknown(action)
        if unknown:
            return f"there is no input {', '.join(sorted(unknown))}"
        if action.goto is not None:
            base = self.browsing.context.test.base_url or self.browsing.page.url
            if not self._is_allowed(urljoin(base, action.goto)):
                return f"{action.goto} is not on a host of this test"
        return refusal(action)

    def do(self, proposal: Proposal) -> None:
        """Carry it out, recorded with its reason.

        Raises:
            StepFailed: it cannot be.
        """
        recorder, action = self.browsing.context.test.recorder, proposal.action
        with recorder.step("action", self.inputs.clean(action.words)) as record:
            if proposal.reason:
                record.notes.append(self.inputs.clean(proposal.reason))
            try:
                self.browsing.perform(self.inputs.fill(action))
            except StepFailed as failed:
                # Playwright's log of a call tells what was typed.
                raise StepFailed(self.inputs.clean(str(failed))) from None
        self.stay()

    def stay(self) -> None:
        """Raise if the page is where it must not be.

        Raises:
            StepFailed: it left the hosts of its test.
        """
        url = self.strayed or self.browsing.page.url
        if not self._is_allowed(url) and url != "about:blank":
            raise LeftHosts(
                f"the page went to {address(url) or url[:100]}, which is no host of this test; "
                "name it under `allow` if it should be"
            )

    def locate(self, target: Target) -> Located:
        """What a target with values in place leads to, after a wait for it."""
        found = self.browsing.located(target)
        seconds = min(self.browsing.patience, self.browsing.context.left())
        try:
            found.first.wait_for(state="attached", timeout=seconds * 1000)
            count = found.count()
            if count != 1:
                return Located(count)
            view = self.view()
            match = _REF.search(found.aria_snapshot(mode="ai", timeout=seconds * 1000))
            tag, test_id = found.evaluate(_MARKS, timeout=seconds * 1000)
        except Error:
            self.browsing.guard.check()
            return Located(0)
        node = view.node(match.group(1)) if match else None
        hide = self.inputs.hide
        if node is None:
            return Located(1, Fingerprint(role="none", tag=hide(tag)[:500]))
        told = fingerprint_of(view, node, tag=hide(tag), test_id=hide(test_id))
        return Located(1, told)

    def _patient_view(self) -> PageView:
        """The page's view; one that is on its way to another is asked again."""
        now = self.browsing.context.test.clock.monotonic
        latest = now() + self.browsing.patience
        while True:
            try:
                return self.view()
            except StepFailed:
                if now() >= latest:
                    raise
                self.pause()

    def _is_allowed(self, url: str) -> bool:
        if urlsplit(url).scheme not in {"http", "https"}:
            return False
        allow = self.browsing.context.test.allow
        return address(url) in self.hosts or (not allow.is_open and allow.permits(url))


class LeftHosts(StepFailed):
    """The page is where it must not be; no planner may go on from there."""


def target_of(action: Action) -> Target | None:
    """The element that an action is about."""
    (kind,) = action.model_fields_set
    value = getattr(action, kind)
    if kind == "press":
        return value.into if value is not None else None
    return value if isinstance(value, Target) else None


def retargeted(action: Action, target: dict[str, object]) -> Action:
    """The same action on another element."""
    (kind,) = action.model_fields_set
    value = getattr(action, kind)
    if kind == "press":
        return Action.model_validate({"press": {"key": value.key, "into": target}})
    kept = {"value": value.value} if hasattr(value, "value") else {}
    return Action.model_validate({kind: {**target, **kept}})
