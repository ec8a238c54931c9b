"""Real browsers: leased to real launchers, given back, lost, and ended without a trace."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest
from playwright.async_api import Browser, async_playwright

from actors.pools.browser import BrowserBounds
from actors.pools.host import BrowserHost
from actors.pools.roster import PoolLimits
from harness.domain.browser import BrowserEnd, BrowserKind, BrowserRequest
from harness.domain.ids import LeaseId, TenantId
from harness.ports.entropy import SystemEntropy
from harness.settings import Settings
from serve.browser import browser
from tests.support.launchers import STAND_IN, TENANT, Launchers, chromiums, leased, open_launchers

pytestmark = [pytest.mark.browser, pytest.mark.anyio]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, because Chromium puts a Unix socket there."""
    with TemporaryDirectory(prefix="ath-") as name:
        yield Path(name)


@pytest.fixture
async def launchers() -> AsyncIterator[Launchers]:
    async with open_launchers(BrowserBounds()) as opened:
        yield opened


async def title_in(browser: Browser) -> str:
    page = await browser.new_page()
    await page.set_content("<title>here</title>")
    return await page.title()


async def test_browser_serves_one_launch_after_another(launchers: Launchers) -> None:
    async with async_playwright() as playwright:
        pids = []
        for lease_id in ("l0", "l1", "l2"):
            launched = await playwright.chromium.launch(executable_path=launchers.program)
            assert await title_in(launched) == "here"
            await launched.close()
            pids += [process.pid for process in chromiums(launchers.folder)]
            end = (await launchers.host.watch(LeaseId(lease_id))).end
            assert end is BrowserEnd.RELEASED
    assert len(pids) == 3
    assert len(set(pids)) == 1


async def test_nothing_of_a_lease_is_left_for_the_next(launchers: Launchers) -> None:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=launchers.program)
        context = await launched.new_context()
        await context.add_cookies([{"name": "a", "value": "b", "url": "http://x.test"}])
        await (await context.new_page()).goto("data:text/html,<script>while(1);</script>x", **LATER)
        await launched.close()
        again = await playwright.chromium.launch(executable_path=launchers.program)
        session = await again.new_browser_cdp_session()
        targets = (await session.send("Target.getTargets"))["targetInfos"]
        assert [target for target in targets if target["type"] == "page"] == []
        assert (await session.send("Storage.getCookies"))["cookies"] == []
        await again.close()


LATER: dict[str, Any] = {"wait_until": "commit"}


async def test_killed_stand_in_counts_as_a_lost_browser(launchers: Launchers) -> None:
    async with async_playwright() as playwright:
        await playwright.chromium.launch(executable_path=launchers.program)
        (before,) = chromiums(launchers.folder)
        for process in psutil.Process().children(recursive=True):
            if str(STAND_IN) in process.cmdline():
                process.kill()
        async with asyncio.timeout(10):
            while (lease := await launchers.host.watch(launchers.leases[0])).end is None:
                pass
    assert lease.end is BrowserEnd.CRASHED
    assert chromiums(launchers.folder) == [before]


async def test_token_opens_the_door_once(launchers: Launchers) -> None:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=launchers.program)
        door = next((launchers.folder / "b").glob("*/door"))
        reader, writer = await asyncio.open_unix_connection(str(door))
        writer.write(b"some token\n")
        assert await reader.read() == b""
        writer.close()
        assert await title_in(launched) == "here"
        await launched.close()


async def test_browser_never_serves_another_tenant(launchers: Launchers) -> None:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=launchers.program)
        await launched.close()
        (before,) = chromiums(launchers.folder)
        words = [word for word in before.cmdline()[1:] if not word.startswith("--user-data-dir")]
        choice = browser(Settings.load({}))
        assert choice
        other = BrowserKind(TenantId("u"), (choice.path, *words), (("HOME", os.environ["HOME"]),))
        assert (await leased(launchers.host, LeaseId("other"), other)).door
        assert [process for process in chromiums(launchers.folder) if process != before] != []


async def test_killed_browser_ends_its_lease_at_once(launchers: Launchers) -> None:
    async with async_playwright() as playwright:
        await playwright.chromium.launch(executable_path=launchers.program)
        (victim,) = chromiums(launchers.folder)
        watching = asyncio.create_task(launchers.host.watch(launchers.leases[0]))
        await asyncio.sleep(0)
        victim.send_signal(signal.SIGKILL)
        async with asyncio.timeout(3):
            assert (await watching).end is BrowserEnd.CRASHED
        assert (await launchers.host.check(launchers.leases[0])).end is BrowserEnd.CRASHED
        again = await playwright.chromium.launch(executable_path=launchers.program)
        assert await title_in(again) == "here"
        assert len(list((launchers.folder / "b").glob("b*"))) == 1
        await again.close()


async def test_waiting_request_knows_its_place(folder: Path) -> None:
    host = BrowserHost(PoolLimits(most=1), BrowserBounds(), folder / "b", SystemEntropy())
    kind = BrowserKind(TENANT, tuple(argv_of_a_browser()))
    try:
        assert (await leased(host, LeaseId("one"), kind)).door
        asked = [BrowserRequest(LeaseId(name), kind, "") for name in ("two", "three")]
        assert [(await host.lease(request)).place for request in asked] == [1, 2]
        await host.release(LeaseId("one"))
        assert (await leased(host, LeaseId("two"), kind)).door
        assert (await host.lease(asked[1])).place == 1
        status = await host.status()
        assert (status.states["leased"], status.waiting, status.most) == (1, 1, 1)
        assert status.pss_bytes[0] > 10 << 20
    finally:
        await host.close()


def argv_of_a_browser() -> list[str]:
    choice = browser(Settings.load({}))
    assert choice
    return [choice.path, "--headless", "--no-sandbox", *PIPE]


PIPE = ["--remote-debugging-pipe", "--no-startup-window", "--disable-gpu"]


async def test_browser_that_cannot_start_says_why(launchers: Launchers) -> None:
    kind = BrowserKind(TENANT, ("/bin/false",))
    refused = await leased(launchers.host, LeaseId("one"), kind)
    assert refused.end is BrowserEnd.UNKNOWN
    assert "could not be started" in refused.message


async def test_launcher_starts_the_real_browser_when_there_is_no_pool(folder: Path) -> None:
    host = BrowserHost(PoolLimits(most=1), BrowserBounds(), folder / "b", SystemEntropy())
    async with async_playwright() as playwright:
        program = Launchers(host, folder).program
        launched = await playwright.chromium.launch(executable_path=program)
        assert await title_in(launched) == "here"
        await launched.close()
