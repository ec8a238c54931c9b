"""The worker host as a detached Ray actor."""

import asyncio
import logging
import os
from collections.abc import Callable

import ray

from actors.workers.host import WorkerHost

_log = logging.getLogger(__name__)

NAMESPACE = "ath"


class WorkerHostActor:
    """Transport around `WorkerHost`: it pulls its work, so nobody calls it but to start it."""

    def __init__(self, build: Callable[[], WorkerHost]) -> None:
        """Build the host in this process and let it serve."""
        self._serving = asyncio.get_event_loop().create_task(build().serve())
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
    actor = ray.remote(WorkerHostActor).options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        num_cpus=0,
        max_restarts=-1,
        max_concurrency=16,
    )
    actor.remote(build)
