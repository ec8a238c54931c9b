"""The gRPC server of sandboxes as a detached Ray actor; there only if a port was named."""

import asyncio
import logging
from collections.abc import Callable

from actors.detached import start_once
from api.grpc.gateway import Gateway
from harness.errors import Unavailable
from harness.heap import settle_heap

RETRY_SECONDS = 5.0

_log = logging.getLogger(__name__)


class GrpcGatewayActor:
    """Transport of nothing: it serves its own port, and Ray starts it again when it dies."""

    def __init__(self, build: Callable[[], Gateway]) -> None:
        """Build the gateway in this process and let it serve."""
        self._gateway = build()
        settle_heap()
        self._serving = asyncio.get_event_loop().create_task(self._serve())

    async def alive(self) -> bool:
        """Whether it serves, or tries to."""
        return not self._serving.done()

    async def _serve(self) -> None:
        while True:
            try:
                await self._gateway.serve()
            except Unavailable as taken:  # somebody has the port, perhaps for a moment
                _log.warning("gRPC is not served", extra={"why": str(taken)})
            await asyncio.sleep(RETRY_SECONDS)


def start_grpc_gateway(build: Callable[[], Gateway]) -> None:
    """Create the gateway of this node unless it is there."""
    start_once(GrpcGatewayActor, build, "grpc-gateway")
