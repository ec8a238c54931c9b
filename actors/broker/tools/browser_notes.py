"""What a page tried beside what it was asked for; all of it refused, and told once."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Dialog, Download, Page

MOST_NOTES = 20
MOST_CHARACTERS = 300


@dataclass(eq=False)  # without slots: Playwright keeps its wrappers of listeners in their owner
class BrowserNotes:
    """Listens to one page; its words are the page's own."""

    _lines: list[str] = field(default_factory=list)
    _more: int = 0

    def taken(self) -> list[str]:
        """What happened since this was asked last."""
        lines, more = self._lines, self._more
        self._lines, self._more = [], 0
        return [*lines, f"[{more} more such things happened]"] if more else lines

    async def dialog(self, dialog: "Dialog") -> None:
        """A dialog is dismissed, whatever it asks."""
        self._note(f"a dialog ({dialog.type}) was dismissed", dialog.message)
        await _quietly(dialog.dismiss)

    async def download(self, download: "Download") -> None:
        """Nothing is kept: a page could fill the disk."""
        self._note("a download was refused", download.suggested_filename)
        await _quietly(download.cancel)

    async def popup(self, popup: "Page") -> None:
        """There is one page."""
        self._note("a new window was closed; open its address if it is wanted", popup.url)
        await _quietly(popup.close)

    def crash(self, _page: "Page") -> None:
        """A page that has crashed stays so."""
        self._note("the page has crashed", "")

    def _note(self, what: str, words: str) -> None:
        if len(self._lines) >= MOST_NOTES:
            self._more += 1
            return
        self._lines.append(f"[{what}: {words[:MOST_CHARACTERS]!r}]")


async def _quietly(work: Callable[[], Awaitable[None]]) -> None:
    """The page may be gone by now."""
    from playwright.async_api import Error

    with contextlib.suppress(Error):
        await work()
