"""Real browsers: leased, given back, lost and ended without a trace."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.async_api import Error, async_playwright

from actors.pools.browser import BrowserBounds
from actors.pools.host import BrowserHost
from actors.pools.roster import PoolLimits
from harness.domain.browser import BrowserEnd, BrowserKind, BrowserLease, BrowserRequest
from harness.domain.ids import LeaseId, TenantId
from harness.ports.entropy import SystemEntropy
from harness.settings import Settings
from serve.browser import browser

pytestmark = [pytest.mark.browser, pytest.mark.anyio]

CHOICE = browser(Settings.load({}))
NODE, CLI = compute_driver_executable()


def request(name: str, tenant: str = "t") -> BrowserRequest:
    assert CHOICE, "no Chromium was found at installation"
    options = json.dumps({"executablePath": CHOICE.path, "args": ["--no-sandbox"]})
    env = (("PATH", os.defpath), ("HOME", os.environ["HOME"]))
    kind = BrowserKind(TenantId(tenant), NODE, str(Path(CLI).parent), options, env)
    return BrowserRequest(LeaseId(name), kind, "/tmp")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, because Chromium puts a Unix socket there."""
    with TemporaryDirectory(prefix="ath-") as name:
        yield Path(name)


@pytest.fixture
async def host(folder: Path) -> AsyncIterator[BrowserHost]:
    host = BrowserHost(PoolLimits(most=2), BrowserBounds(), folder / "b", SystemEntropy())
    yield host
    await host.close()
    assert not (folder / "b").exists()
    assert chromiums(folder) == []


def chromiums(folder: Path) -> list[psutil.Process]:
    """The main processes of browsers whose profile is in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if f"--user-data-dir={folder}" in line and "--type=" not in line:
            found.append(process)
    return found


async def leased(host: BrowserHost, wanted: BrowserRequest) -> BrowserLease:
    async with asyncio.timeout(60):
        while (lease := await host.lease(wanted)).place:
            pass
    assert lease.endpoint, lease
    return lease


async def title_of(endpoint: str) -> str:
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect(endpoint)
        page = await connected.new_page()
        await page.set_content("<title>here</title>")
        title = await page.title()
        await connected.close()
        return title


async def test_browser_serves_one_lease_after_another(host: BrowserHost, folder: Path) -> None:
    first = await leased(host, request("one"))
    (before,) = chromiums(folder)
    assert await title_of(first.endpoint) == "here"
    assert (await host.watch(LeaseId("one"))).end is BrowserEnd.RELEASED
    second = await leased(host, request("two"))
    assert chromiums(folder) == [before]
    assert second.endpoint != first.endpoint
    with pytest.raises(Error, match="403"):
        await title_of(first.endpoint)
    assert await title_of(second.endpoint) == "here"


async def test_endpoint_takes_one_connection(host: BrowserHost) -> None:
    lease = await leased(host, request("one"))
    async with async_playwright() as playwright:
        await playwright.chromium.connect(lease.endpoint)
        with pytest.raises(Error, match="403"):
            await playwright.chromium.connect(lease.endpoint)


async def test_browser_never_serves_another_tenant(host: BrowserHost, folder: Path) -> None:
    await leased(host, request("one"))
    (before,) = chromiums(folder)
    await host.release(LeaseId("one"))
    await leased(host, request("two", tenant="u"))
    assert [process for process in chromiums(folder) if process != before] != []


async def test_killed_browser_ends_its_lease_at_once(host: BrowserHost, folder: Path) -> None:
    lease = await leased(host, request("one"))
    (victim,) = chromiums(folder)
    async with async_playwright() as playwright:
        await playwright.chromium.connect(lease.endpoint)
        watching = asyncio.create_task(host.watch(LeaseId("one")))
        await asyncio.sleep(0)
        victim.send_signal(signal.SIGKILL)
        async with asyncio.timeout(3):
            assert (await watching).end is BrowserEnd.CRASHED
    assert (await host.check(LeaseId("one"))).end is BrowserEnd.CRASHED
    await leased(host, request("two"))
    assert len(list((folder / "b").iterdir())) == 1


async def test_waiting_request_knows_its_place(folder: Path) -> None:
    host = BrowserHost(PoolLimits(most=1), BrowserBounds(), folder / "b", SystemEntropy())
    try:
        await leased(host, request("one"))
        places = [(await host.lease(request(name))).place for name in ("two", "three")]
        assert places == [1, 2]
        await host.release(LeaseId("one"))
        await leased(host, request("two"))
        assert (await host.lease(request("three"))).place == 1
        assert (await host.status()).states["leased"] == 1
    finally:
        await host.close()


async def test_browser_that_cannot_start_says_why(host: BrowserHost) -> None:
    wanted = request("one")
    options = json.dumps({"executablePath": "/bin/false"})
    kind = BrowserKind(wanted.kind.tenant, wanted.kind.node, wanted.kind.package, options)
    refused = await host.lease(BrowserRequest(LeaseId("one"), kind, "/"))
    while refused.place:
        refused = await host.lease(BrowserRequest(LeaseId("one"), kind, "/"))
    assert refused.end is BrowserEnd.UNKNOWN
    assert "Failed to launch" in refused.message
