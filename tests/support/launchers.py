"""Launches browsers as a suite's process would: through the stand-in, the door and the pool."""

import asyncio
import shlex
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from actors.pools.browser import BrowserBounds
from actors.pools.host import BrowserHost
from actors.pools.roster import PoolLimits
from actors.workers.door import WorkerDoor
from actors.workers.suite_process import PACKAGE
from actors.workers.worker_browsers import kind_of
from harness.domain.browser import BrowserKind, BrowserLease, BrowserRequest
from harness.domain.ids import LeaseId, TenantId
from harness.ports.entropy import SystemEntropy
from harness.settings import Settings
from serve.browser import browser

STAND_IN = PACKAGE / "stand_in.py"
TENANT = TenantId("t")


@dataclass(slots=True)
class Launchers:
    """Launches browsers as the process of a suite would; remembers their leases."""

    host: BrowserHost
    folder: Path
    leases: list[LeaseId] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def program(self) -> str:
        """Stands in for Chromium."""
        choice = browser(Settings.load({}))
        assert choice, "no Chromium was found at installation"
        words = [sys.executable, "-I", "-S", str(STAND_IN), str(self.folder / "door")]
        line = shlex.join([*words, "w1", choice.path])
        path = self.folder / "chromium"
        path.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        path.chmod(0o700)
        return str(path)

    async def end(self) -> BrowserLease:
        """The newest lease, when it is over."""
        async with asyncio.timeout(60):
            while (lease := await self.host.watch(self.leases[-1])).end is None:
                pass
        return lease

    async def ask(self, wish: Mapping[str, Any]) -> BrowserLease:
        lease_id = LeaseId(f"l{next(self.numbers)}")
        self.leases.append(lease_id)
        return await leased(self.host, lease_id, kind_of(wish, TENANT), str(self.folder))


async def leased(
    host: BrowserHost, lease_id: LeaseId, kind: BrowserKind, folder: str = ""
) -> BrowserLease:
    """The lease, when its turn has come."""
    async with asyncio.timeout(60):
        while (lease := await host.lease(BrowserRequest(lease_id, kind, folder))).place:
            pass
    return lease


@asynccontextmanager
async def open_launchers(bounds: BrowserBounds) -> AsyncIterator[Launchers]:
    """A pool with its door; nothing of it is left afterwards."""
    # Short, because Chromium puts a Unix socket there.
    with TemporaryDirectory(prefix="ath-") as name:
        folder = Path(name)
        host = BrowserHost(PoolLimits(most=2), bounds, folder / "b", SystemEntropy())
        launchers = Launchers(host, folder)
        door = WorkerDoor(folder / "door")
        await door.open()
        door.admit("w1", launchers.ask)
        yield launchers
        await door.close()
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
