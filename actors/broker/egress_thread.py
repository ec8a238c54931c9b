"""An egress proxy for code that is not asynchronous, in a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from actors.broker.passage import Passage
from actors.broker.proxy import EgressProxy
from harness.errors import Unavailable
from harness.ports.clock import Clock

T = TypeVar("T")

ANSWER_SECONDS = 10.0


class EgressThread:
    """Starts with its first lease; each lease has a loopback port of its own."""

    def __init__(self, clock: Clock) -> None:
        """Nothing is started yet."""
        self._clock = clock
        self._proxy: EgressProxy | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def lend(self, passage: Passage) -> int:
        """The port of the proxy that carries what the passage allows.

        Raises:
            Unavailable: it does not answer.
        """
        return self._done(self._lent(passage))

    def give_back(self, lease: str) -> None:
        """End the lease and what it has under way."""
        if self._proxy is not None:
            self._done(self._proxy.dismiss(lease))

    def stop(self) -> None:
        """End everything."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None or self._proxy is None:
            return
        self._done(self._proxy.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(ANSWER_SECONDS)
        self._loop = self._thread = self._proxy = None

    async def _lent(self, passage: Passage) -> int:
        if self._proxy is None:
            self._proxy = EgressProxy(self._clock)
        self._proxy.admit(passage)
        listener = socket.create_server(("127.0.0.1", 0))
        await self._proxy.serve(passage.lease, listener)
        port: int = listener.getsockname()[1]
        return port

    def _done(self, work: Coroutine[Any, Any, T]) -> T:  # Any: as coroutines are
        future = asyncio.run_coroutine_threadsafe(work, self._started())
        try:
            return future.result(ANSWER_SECONDS)
        except TimeoutError:
            future.cancel()
            raise Unavailable(
                f"The egress proxy of this process did not answer within {ANSWER_SECONDS:g} s."
            ) from None

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_run, args=(self._loop,), name="egress", daemon=True
            )
            self._thread.start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
