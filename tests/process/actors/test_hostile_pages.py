"""Whatever a page does, its browser stays within its bounds and says why it ended."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import Error, async_playwright

from actors.pools.browser import BrowserBounds
from harness.domain.browser import BrowserEnd
from tests.support.launchers import open_launchers

pytestmark = [pytest.mark.browser, pytest.mark.anyio]

MIB = 1 << 20
HOG = "const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1))"


class Endless(BaseHTTPRequestHandler):
    """A page that downloads again and again what never ends."""

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/":
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(
                b"<script>let n = 0; setInterval(() => { const a = document.createElement('a');"
                b"a.href = '/file' + n++; a.download = 'x'; a.click() }, 50)</script>"
            )
            return
        self.send_header("Content-Disposition", "attachment; filename=x")
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(bytes(MIB))

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def endless() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


async def test_page_that_takes_all_memory_ends_its_browser() -> None:
    async with (
        open_launchers(BrowserBounds(memory_bytes=600 * MIB)) as launchers,
        async_playwright() as playwright,
    ):
        launched = await playwright.chromium.launch(executable_path=launchers.program)
        page = await launched.new_page()
        with suppress(Error):
            await page.evaluate(HOG)
        assert (await launchers.end()).end is BrowserEnd.MEMORY


async def test_endless_downloads_end_their_browser(
    endless: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_launchers(BrowserBounds(disk_bytes=64 * MIB)) as launchers:
        monkeypatch.setenv("TMPDIR", str(launchers.folder))
        async with async_playwright() as playwright:
            launched = await playwright.chromium.launch(executable_path=launchers.program)
            page = await launched.new_page()
            with suppress(Error):
                await page.goto(endless)
            assert (await launchers.end()).end is BrowserEnd.DISK


async def test_endless_dialogs_leave_the_browser_usable() -> None:
    async with open_launchers(BrowserBounds()) as launchers, async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=launchers.program)
        page = await launched.new_page()
        with pytest.raises(Error, match="Timeout 1000ms"):
            await page.goto("data:text/html,<script>for (;;) alert(1)</script>", timeout=1000)
        await page.close()
        assert await (await launched.new_page()).evaluate("1 + 1") == 2
        await launched.close()
        assert (await launchers.end()).end is BrowserEnd.RELEASED
