"""Walks through a web app by its links, breadth first, and looks at each page."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

from playwright.sync_api import Error

from actors.specs.agents.page_node import read_nodes
from actors.specs.agents.page_view import USED, PageView
from actors.specs.allow_list import AllowList, address
from actors.specs.failure import StepFailed
from harness.ports.clock import Clock

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Request, Response, Route

PAGE_SECONDS = 15.0
QUIET_SECONDS = 3.0
MOST_FINDINGS = 200
TEXT_CHARACTERS = 300
_LINKS = "[...document.links].slice(0, 500).map(a => a.href.slice(0, 2000))"
_TITLE = "document.title.slice(0, 300)"
_ENDS = ("logout", "log-out", "signout", "sign-out", "delete", "remove", "unsubscribe")
"""Links that may change something, although they must not, are not followed."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far to go."""

    pages: int = 20
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a tester would report."""

    kind: str
    """console error, page error, failed request, dead link, no name, not read."""
    page: str
    told: str


@dataclass(frozen=True, slots=True)
class Visited:
    """A page that answered well."""

    path: str
    """From the root of its host, with its query."""
    title: str
    heading: str
    """Its only heading of that name, empty where there is none."""


@dataclass  # without slots: playwright keeps its wrappers of listeners in their owner
class Exploration:
    """One walk."""

    page: "Page"
    start: str
    clock: Clock
    allow: AllowList
    bounds: Bounds = field(default_factory=Bounds)
    visited: list[Visited] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    left_out: int = 0
    """Pages that were known and not visited, for want of time or room."""
    _now: str = ""

    def run(self) -> None:
        """Walk, then look at each page again: what changes by itself is no expectation."""
        until = self.clock.monotonic() + self.bounds.seconds
        waiting = deque([(urldefrag(self.start)[0], "")])
        known = {waiting[0][0]}
        self._listen()
        for _ in range(self.bounds.pages):
            if not waiting or self.clock.monotonic() >= until:
                break
            url, source = waiting.popleft()
            for link in self._visit(url, source):
                if link not in known and self._leads_on(link):
                    known.add(link)
                    waiting.append((link, url))
        self.left_out, self._now = len(waiting), ""
        self.visited = [each for each in self.visited if self._is_stable(each, until)]

    def _visit(self, url: str, source: str) -> Sequence[str]:
        """Its links."""
        self._now = url
        try:
            answer = self.page.goto(url, timeout=PAGE_SECONDS * 1000)
            if answer is None or answer.status >= 400:
                status = answer.status if answer else "none"
                told = f"{url} gave status {status}" + (f", linked from {source}" if source else "")
                self._trouble("dead link", told)
                return ()
            with suppress(Error):
                # What its scripts ask for belongs to it, not to the next page.
                self.page.wait_for_load_state("networkidle", timeout=QUIET_SECONDS * 1000)
            view = self._view()
            links = [urldefrag(str(each))[0] for each in self.page.evaluate(_LINKS)]
        except (Error, StepFailed) as failed:
            self._trouble("not read", str(failed).partition("\n")[0])
            return ()
        self._look(view)
        if address(self.page.url) == address(self.start):
            self.visited.append(Visited(_path(self.page.url), view.title, _heading(view)))
        return links

    def _view(self) -> PageView:
        nodes, is_whole = read_nodes(
            self.page.aria_snapshot(mode="ai", timeout=PAGE_SECONDS * 1000)
        )
        return PageView(self.page.url, str(self.page.evaluate(_TITLE)), nodes, is_whole)

    def _look(self, view: PageView) -> None:
        """Elements that nobody could name, by kind and number."""
        nameless = [each.role for each in view.used if each.role in USED and not each.label]
        for role in sorted(set(nameless) - {"option"}):
            self._trouble("no name", f"{nameless.count(role)} of role {role} have no name")

    def _is_stable(self, visited: Visited, until: float) -> bool:
        """Whether it shows the same at a second look."""
        if self.clock.monotonic() >= until:
            return False
        try:
            answer = self.page.goto(urljoin(self.start, visited.path), timeout=PAGE_SECONDS * 1000)
            view = self._view()
        except (Error, StepFailed):
            return False
        again = Visited(_path(self.page.url), view.title, _heading(view))
        return answer is not None and answer.status < 400 and again == visited

    def _leads_on(self, url: str) -> bool:
        parts = urlsplit(url)
        is_own = parts.scheme in {"http", "https"} and address(url) == address(self.start)
        return is_own and not any(each in url.casefold() for each in _ENDS)

    def _trouble(self, kind: str, told: str) -> None:
        if not self._now:
            return  # the second look tells nothing new
        found = Trouble(kind, self._now, " ".join(told.split())[:TEXT_CHARACTERS])
        if found not in self.troubles and len(self.troubles) < MOST_FINDINGS:
            self.troubles.append(found)

    def _listen(self) -> None:
        page = self.page
        page.route("**/*", self._route)
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._trouble("page error", str(error)))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        page.on("download", lambda download: download.cancel())
        page.on("popup", lambda popup: popup.close())

    def _route(self, route: "Route", request: "Request") -> None:
        if self.allow.permits(request.url):
            route.fallback()
        else:
            route.abort("blockedbyclient")

    def _console(self, message: "ConsoleMessage") -> None:
        # A request that failed is told by itself, with its address.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self._trouble("console error", message.text)

    def _failed(self, request: "Request") -> None:
        if self.allow.permits(request.url) and request.failure != "net::ERR_ABORTED":
            self._trouble("failed request", f"{request.method} {request.url}: {request.failure}")

    def _answered(self, response: "Response") -> None:
        request = response.request
        if response.status >= 400 and not request.is_navigation_request():
            told = f"{request.method} {request.url} gave status {response.status}"
            self._trouble("failed request", told)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _heading(view: PageView) -> str:
    """The page's first heading whose name no other has."""
    names = [each.name for each in view.nodes if each.role == "heading" and not each.is_framed]
    return next((each for each in names if each and names.count(each) == 1), "")
