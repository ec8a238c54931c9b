"""The worker host as a detached Ray actor."""

import asyncio
import logging
import os
from collections.abc import Callable

from actors.detached import start_once
from actors.workers.host import WorkerHost
from harness.heap import settle_heap

_log = logging.getLogger(__name__)


class WorkerHostActor:
    """Transport around `WorkerHost`: it pulls its work, so nobody calls it but to start it."""

    def __init__(self, build: Callable[[], WorkerHost]) -> None:
        """Build the host in this process and let it serve."""
        host = build()
        settle_heap()
        self._serving = asyncio.get_event_loop().create_task(host.serve())
        self._serving.add_done_callback(_die)

    async def alive(self) -> bool:
        """Whether the host serves."""
        return not self._serving.done()


def _die(serving: "asyncio.Task[None]") -> None:
    """A host that no longer serves must not look alive: Ray starts another."""
    _log.critical("worker host ended", exc_info=serving.exception())
    os._exit(1)


def start_worker_host(build: Callable[[], WorkerHost], name: str = "worker-host") -> None:
    """Create the host of this node unless it is there."""
    start_once(WorkerHostActor, build, name, max_concurrency=16)
