"""One page in a browser of one lease, which is started when it is first needed."""

import asyncio
import contextlib
import importlib.util
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from actors.broker.passage import Passage, Refused
from actors.broker.tools.browser_notes import BrowserNotes
from actors.broker.tools.tool import ToolFailed
from harness.domain.decision import Denial, refused
from harness.domain.host_name import Endpoint
from harness.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Playwright, ProxySettings, Response

START_SECONDS = 45.0
OPEN_SECONDS = 30.0
CLOSE_SECONDS = 10.0
NEEDS = "install the package playwright beside the platform, and a Chromium"
_ARGUMENTS = (
    # What a page says by WebRTC would not go through the proxy.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)
_ENVIRONMENT: dict[str, str | float | bool] = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
"""Nothing of this process's own, where secrets may be."""


@dataclass(frozen=True, slots=True)
class WayOut:
    """The lease's egress proxy as a browser uses it."""

    server: str
    """`http://127.0.0.1:PORT`."""
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(slots=True)
class BrowserSession:
    """A context with one page; what the page tries beside is refused and noted."""

    executable: str
    """A Chromium, or a program that stands in for a leased one."""
    way_out: WayOut
    passage: Passage
    notes: BrowserNotes = field(default_factory=BrowserNotes)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whoever uses the page holds it."""
    _held: AsyncExitStack | None = None
    _page: "Page | None" = None

    @property
    def lacks(self) -> str:
        """What must be installed."""
        return "" if self.executable and importlib.util.find_spec("playwright") else NEEDS

    @property
    def is_lost(self) -> bool:
        """Whether there was a page, and it is gone."""
        return self._page is not None and self._page.is_closed()

    async def page(self) -> "Page":
        """The page, in a new browser if there is none.

        Raises:
            Unavailable: no browser could be started.
        """
        if self._page is None or self._page.is_closed():
            await self.end()
            self._page = await self._started()
        return self._page

    async def open(self, url: str) -> "Page":
        """The page at an address.

        Raises:
            Refused: the policy does not allow it.
            ToolFailed: it could not be opened.
        """
        self._check(url)
        page = await self.page()
        answer = await page.goto(url, timeout=OPEN_SECONDS * 1000, wait_until="domcontentloaded")
        await self._check_answer(answer)
        return page

    async def end(self) -> None:
        """Close the browser; the next use starts another."""
        held, self._held, self._page = self._held, None, None
        if held is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await held.aclose()

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            to = Endpoint.parse(parts.netloc, 443 if parts.scheme == "https" else 80)
        except ValueError:
            raise InvalidInput("url: is none") from None
        if parts.scheme not in ("http", "https"):
            raise InvalidInput("url: must begin with http:// or https://")
        decision = self.passage.rules.connection(to)
        if not decision.is_allowed:
            self.passage.check(parts.scheme, to, decision, "GET")

    async def _check_answer(self, answer: "Response | None") -> None:
        """A page that the proxy gave in the place of the host's."""
        headers = answer.headers if answer else {}
        if answer is None or answer.status not in (403, 502, 504) or "ath-denied" not in headers:
            return
        if urlsplit(answer.url).scheme == "http":
            denial = Denial(headers["ath-denied"])
            raise Refused(refused(denial, (await answer.text())[:2000].strip()))

    async def _started(self) -> "Page":
        from playwright.async_api import Error, async_playwright

        held = AsyncExitStack()
        try:
            async with asyncio.timeout(START_SECONDS):
                playwright = await held.enter_async_context(async_playwright())
                page = await self._launched(playwright, held)
        except (Error, TimeoutError, OSError) as failed:
            await held.aclose()
            raise Unavailable(f"No browser could be started ({type(failed).__name__}).") from None
        except BaseException:
            await held.aclose()
            raise
        self._held = held
        return page

    async def _launched(self, playwright: "Playwright", held: AsyncExitStack) -> "Page":
        browser = await playwright.chromium.launch(
            executable_path=self.executable,
            proxy=self._proxy(),
            args=[*_ARGUMENTS, *self._trusted()],
            env=_ENVIRONMENT,
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
        held.push_async_callback(browser.close)
        context = await browser.new_context(accept_downloads=False, service_workers="block")
        context.set_default_timeout(CLOSE_SECONDS * 1000)
        page = await context.new_page()
        self._watch(context, page)
        return page

    def _watch(self, context: "BrowserContext", page: "Page") -> None:
        notes = self.notes
        context.on("dialog", notes.dialog)
        page.on("download", notes.download)
        page.on("crash", notes.crash)
        context.on("page", notes.popup)

    def _proxy(self) -> "ProxySettings":
        proxy: ProxySettings = {"server": self.way_out.server}
        if self.way_out.username:
            proxy["username"] = self.way_out.username
            proxy["password"] = self.way_out.password
        return proxy

    def _trusted(self) -> list[str]:
        """The authority under which the proxy reads HTTPS; no other certificate is excused."""
        if self.passage.authority is None:
            return []
        return [f"--ignore-certificate-errors-spki-list={self.passage.authority.key_digest}"]


def failed_in_page(error: Any, lost: bool) -> ToolFailed:  # Any: Playwright's error
    """What went wrong, in Playwright's words, of which pages have a part."""
    note = "The browser was lost; open the page again." if lost else "That did not work."
    message = str(error.message)
    if "ERR_TUNNEL_CONNECTION_FAILED" in message:
        note = "The proxy let nothing through there: the policy refuses it, or nothing answers."
    return ToolFailed(note, message[:2000])
