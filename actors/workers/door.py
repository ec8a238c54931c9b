"""Where the processes of one run ask their host: for browsers, and for agents to run."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.agents.agent_wish import MOST_ARCHIVE_BYTES, MOST_WISH_BYTES
from harness.domain.browser import BrowserLease
from harness.errors import HarnessError

Ask = Callable[[Mapping[str, Any]], Awaitable[BrowserLease]]  # Any: JSON
Say = Callable[[Mapping[str, Any]], Awaitable[None]]
Attend = Callable[[object, bytes, Say], Awaitable[None]]
Lend = Callable[[str], Awaitable[str]]

WISH_SECONDS = 10.0
ARCHIVE_SECONDS = 60.0


@dataclass(slots=True)
class WorkerDoor:
    """Brings each wish to the worker that it came from."""

    path: Path
    _workers: dict[str, tuple[Ask, Attend | None, Lend | None]] = field(default_factory=dict)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._hear, self.path, limit=MOST_WISH_BYTES)

    def admit(
        self, worker: str, ask: Ask, attend: Attend | None = None, lend: Lend | None = None
    ) -> None:
        """From now on this worker may ask for browsers, and whatever else somebody gives.

        Args:
            worker: its name.
            ask: lends browsers.
            attend: runs agents.
            lend: gives the socket where a model is asked.
        """
        self._workers[worker] = ask, attend, lend

    def dismiss(self, worker: str) -> None:
        """The worker has ended."""
        self._workers.pop(worker, None)

    async def close(self) -> None:
        """Listen no more."""
        if self._server:
            self._server.close()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # An empty answer makes whoever asks start the real browser.
        with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(WISH_SECONDS):
                wish = json.loads(await reader.readline())
            unknown = (None, None, None)
            name = str(wish["worker"]) if isinstance(wish, dict) else ""
            ask, attend, lend = self._workers.get(name, unknown)
            if attend and "agent" in wish:
                await _attended(attend, wish["agent"], reader, writer)
            elif lend and "model" in wish:
                await _say(writer, await _lent(lend, str(wish["model"])))
            else:
                lease = await ask(wish) if ask else BrowserLease()
                await _say(writer, {"door": lease.door, "token": lease.token})
        writer.close()


async def _attended(
    attend: Attend, found: object, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Run an agent as long as somebody waits for its end."""
    size = found.get("archive_bytes", 0) if isinstance(found, dict) else 0
    if type(size) is not int or not 0 <= size <= MOST_ARCHIVE_BYTES:
        return
    async with asyncio.timeout(ARCHIVE_SECONDS):
        archive = await reader.readexactly(size)
    work = attend(found, archive, lambda message: _say(writer, message))
    running = asyncio.ensure_future(work)
    gone = asyncio.create_task(reader.read(1))
    try:
        await asyncio.wait([running, gone], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (running, gone):
            task.cancel()
        await asyncio.gather(running, gone, return_exceptions=True)


async def _lent(lend: Lend, model: str) -> Mapping[str, Any]:  # Any: JSON
    try:
        return {"socket": await lend(model)}
    except HarnessError as failed:
        return trouble(failed)


async def _say(writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:  # Any: JSON
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()


def trouble(failed: HarnessError) -> Mapping[str, Any]:  # Any: JSON
    """How whoever asked is told that it cannot be."""
    return {"trouble": {"code": failed.code, "message": str(failed)}}
