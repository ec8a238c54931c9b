"""`browser.*`: what a person does in a browser, and sees."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import StringConstraints

from actors.broker.passage import Passage
from actors.broker.tools.arguments import Arguments
from actors.broker.tools.browser_session import BrowserSession, WayOut, failed_in_page
from actors.broker.tools.tool import Picture, Tool, ToolAnswer, quoted, told
from actors.specs.located import located
from actors.specs.target import Target
from harness.errors import TooLarge

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

PATIENCE_SECONDS = 10.0
MOST_ELEMENTS = 20_000
"""Of a page whose snapshot is taken."""
TEXT_CHARACTERS = 100_000
_TEXT = f"element => (element.innerText ?? element.textContent ?? '').slice(0, {TEXT_CHARACTERS})"
_MS = PATIENCE_SECONDS * 1000
A = TypeVar("A", bound=Arguments)
Words = Annotated[str, StringConstraints(max_length=20_000)]


class Nothing(Arguments):
    """No arguments."""


class OpenArguments(Arguments):
    """Which page."""

    url: Annotated[str, StringConstraints(max_length=8000)]
    """With http:// or https://."""


class TargetArguments(Arguments):
    """Which element."""

    target: Target


class ValueArguments(Arguments):
    """Which element, and what goes into it."""

    target: Target
    value: Words


class PressArguments(Arguments):
    """Which key, and where."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    """Such as Enter or Control+A."""
    target: Target | None = None
    """Where the focus is, if not given."""


class TextArguments(Arguments):
    """Which element."""

    target: Target = Target(css="body")


@dataclass(frozen=True, slots=True)
class BrowserTool(Generic[A]):
    """One action in the lease's page; they take turns."""

    name: str
    description: str
    arguments: type[A]
    work: Callable[[BrowserSession, A], Awaitable[ToolAnswer]]
    session: BrowserSession
    pays_itself: bool = False

    @property
    def schema(self) -> Mapping[str, Any]:  # Any: a JSON Schema
        """Of its arguments."""
        return self.arguments.described()

    @property
    def lacks(self) -> str:
        """What must be installed."""
        return self.session.lacks

    async def call(self, given: Mapping[str, object]) -> ToolAnswer:
        """Do it."""
        from playwright.async_api import Error

        asked = self.arguments.read(given)
        async with self.session.turn:
            try:
                return await self.work(self.session, asked)
            except Error as error:
                raise failed_in_page(error, self.session.is_lost) from None

    async def close(self) -> None:
        """Close the browser, which all these tools share."""
        await self.session.end()


def browser_tools(executable: str, way_out: WayOut, passage: Passage) -> Sequence[Tool]:
    """The tools for one lease, whose traffic goes through its proxy at `way_out`.

    `executable` is a Chromium, or a program that stands in for one that is leased from the pool.
    """
    session = BrowserSession(executable, way_out, passage)
    element = "An element is named by role and name, label, text, test_id or css."
    return (
        BrowserTool(
            "browser.open", "Open a page; gives its snapshot.", OpenArguments, _open, session
        ),
        BrowserTool(
            "browser.snapshot", "The page as its accessibility tree.", Nothing, _snapshot, session
        ),
        BrowserTool("browser.click", f"Click. {element}", TargetArguments, _click, session),
        BrowserTool("browser.fill", f"Fill a field. {element}", ValueArguments, _fill, session),
        BrowserTool("browser.press", f"Press a key. {element}", PressArguments, _press, session),
        BrowserTool(
            "browser.select",
            f"Choose an option by value or label. {element}",
            ValueArguments,
            _select,
            session,
        ),
        BrowserTool(
            "browser.text", f"What an element shows. {element}", TextArguments, _text, session
        ),
        BrowserTool("browser.screenshot", "A picture of what is seen.", Nothing, _shoot, session),
        BrowserTool("browser.back", "Go back; gives the page's snapshot.", Nothing, _back, session),
        BrowserTool("browser.close", "Close the browser and forget it.", Nothing, _close, session),
    )


async def _open(session: BrowserSession, asked: OpenArguments) -> ToolAnswer:
    return await _seen(session, await session.open(asked.url), "The page is open.")


async def _snapshot(session: BrowserSession, _: Nothing) -> ToolAnswer:
    return await _seen(session, await session.page(), "This is the page.")


async def _click(session: BrowserSession, asked: TargetArguments) -> ToolAnswer:
    page = await session.page()
    await _found(page, asked.target).click(timeout=_MS)
    return await _done(session, page, f"It was clicked: {asked.target.words}.")


async def _fill(session: BrowserSession, asked: ValueArguments) -> ToolAnswer:
    page = await session.page()
    await _found(page, asked.target).fill(asked.value, timeout=_MS)
    return await _done(session, page, f"It was filled: {asked.target.words}.")


async def _press(session: BrowserSession, asked: PressArguments) -> ToolAnswer:
    page = await session.page()
    if asked.target is None:
        await page.keyboard.press(asked.key)
    else:
        await _found(page, asked.target).press(asked.key, timeout=_MS)
    return await _done(session, page, f"It was pressed: {asked.key}.")


async def _select(session: BrowserSession, asked: ValueArguments) -> ToolAnswer:
    page = await session.page()
    await _found(page, asked.target).select_option(asked.value, timeout=_MS)
    return await _done(session, page, f"It was chosen: {asked.target.words}.")


async def _text(session: BrowserSession, asked: TextArguments) -> ToolAnswer:
    page = await session.page()
    found = str(await _found(page, asked.target).evaluate(_TEXT, timeout=_MS)).strip()
    return quoted(f"This is what it shows: {asked.target.words}.", _with_notes(session, found))


async def _shoot(session: BrowserSession, _: Nothing) -> ToolAnswer:
    page = await session.page()
    png = await page.screenshot(type="png", scale="css", timeout=_MS)
    place = quoted("This is a picture of the page.", _with_notes(session, await _place(page)))
    return ToolAnswer((*place.parts, Picture(png)))


async def _back(session: BrowserSession, _: Nothing) -> ToolAnswer:
    page = await session.page()
    await page.go_back(timeout=_MS, wait_until="domcontentloaded")
    return await _seen(session, page, "This is the page before.")


async def _close(session: BrowserSession, _: Nothing) -> ToolAnswer:
    await session.end()
    return told("The browser is closed.")


async def _seen(session: BrowserSession, page: "Page", note: str) -> ToolAnswer:
    count = await page.locator("*").count()
    if count > MOST_ELEMENTS:
        raise TooLarge(
            f"The page has {count} elements, and a snapshot is taken of {MOST_ELEMENTS} at most; "
            "use browser.text with a target."
        )
    tree = await page.aria_snapshot(timeout=_MS)
    return quoted(note, _with_notes(session, f"{await _place(page)}\n\n{tree}"))


async def _done(session: BrowserSession, page: "Page", note: str) -> ToolAnswer:
    return quoted(note, _with_notes(session, await _place(page)))


async def _place(page: "Page") -> str:
    """Where the page is; while it is on its way it has no title."""
    title = await page.title() if not page.is_closed() else ""
    return f"url: {page.url[:2000]}\ntitle: {title[:1000]}"


def _with_notes(session: BrowserSession, text: str) -> str:
    return "\n".join([text, *session.notes.taken()])


def _found(page: "Page", target: Target) -> "Locator":
    around = _found(page, target.inside) if target.inside else page
    found: Locator = located(around, target)
    return found if target.nth is None else found.nth(target.nth)
