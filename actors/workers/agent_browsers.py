"""Browsers of the node's pool for agents, whose tools launch them as anybody would."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.workers.door import WorkerDoor
from actors.workers.worker_browsers import WorkerBrowsers
from harness.domain.browser import BrowserLease
from harness.domain.ids import TenantId
from harness.events.facts import Fact
from harness.inject._ath_pytest import stand_in
from harness.ports.browsers import BrowserPool

_SCRIPT = """\
#!/bin/sh
exec {python} -I -S {program} {door} {lease} {nowhere} "$@"
"""


@dataclass(frozen=True, slots=True)
class _Holder:
    """Whoever has a browser; nothing of it ends with the browser."""

    name: str

    def kill(self, why: str) -> None:
        """Its tools see by themselves that the browser is gone."""


@dataclass(slots=True)
class AgentBrowsers:
    """Lends one browser to each door that asks."""

    pool: BrowserPool
    executable: str
    """The Chromium that the pool starts."""
    folder: Path
    """Of nothing else; its path is short, for sockets."""
    _door: WorkerDoor | None = None
    _lent: dict[str, WorkerBrowsers] = field(default_factory=dict)

    async def lend(self, tenant: str, lease: str) -> str:
        """A program that stands in for a browser of the pool, and is no browser by itself."""
        if self._door is None:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._door = WorkerDoor(self.folder / "door")
            await self._door.open()
        place = self.folder / lease
        place.mkdir(mode=0o700)
        browsers = WorkerBrowsers(
            self.pool, TenantId(tenant), _Holder(lease), str(place), f"agent/{lease}", _unheard
        )
        self._lent[lease] = browsers
        self._door.admit(lease, lambda wish: self._ask(browsers, wish))
        program = place / Path(self.executable).name
        words = {"door": self._door.path, "lease": lease, "nowhere": place / "none"}
        program.write_text(
            _SCRIPT.format(python=sys.executable, program=stand_in.__file__, **words)
        )
        program.chmod(0o700)
        return str(program)

    async def take_back(self, lease: str) -> None:
        """Its browser goes back to the pool."""
        if self._door is not None:
            self._door.dismiss(lease)
        browsers = self._lent.pop(lease, None)
        if browsers is not None:
            await browsers.close()
        shutil.rmtree(self.folder / lease, ignore_errors=True)

    async def _ask(self, browsers: WorkerBrowsers, wish: Mapping[str, Any]) -> BrowserLease:
        argv = wish.get("argv")
        words = argv[1:] if isinstance(argv, list) else []
        return await browsers.lease({**wish, "argv": [self.executable, *words]})


async def _unheard(fact: Fact) -> None:
    """A run's events tell of browsers of its tests; these belong to a tool."""
