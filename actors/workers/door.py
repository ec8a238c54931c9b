"""Where what stands in for Chromium asks for a warm browser: one Unix socket of each run."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.domain.browser import BrowserLease

Ask = Callable[[Mapping[str, Any]], Awaitable[BrowserLease]]

WISH_BYTES = 256 * 1024
WISH_SECONDS = 10.0


@dataclass(slots=True)
class BrowserDoor:
    """Brings each wish to the worker that it came from."""

    path: Path
    _workers: dict[str, Ask] = field(default_factory=dict)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._hear, self.path, limit=WISH_BYTES)

    def admit(self, worker: str, ask: Ask) -> None:
        """From now on this worker may ask."""
        self._workers[worker] = ask

    def dismiss(self, worker: str) -> None:
        """The worker has ended."""
        self._workers.pop(worker, None)

    async def close(self) -> None:
        """Listen no more."""
        if self._server:
            self._server.close()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # An empty answer makes whoever asks start the real browser.
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            async with asyncio.timeout(WISH_SECONDS):
                wish = json.loads(await reader.readline())
            ask = self._workers.get(str(wish["worker"])) if isinstance(wish, dict) else None
            lease = await ask(wish) if ask else BrowserLease()
            writer.write(json.dumps({"door": lease.door, "token": lease.token}).encode() + b"\n")
            await writer.drain()
        writer.close()
