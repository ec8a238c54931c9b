"""One deadline for a whole exchange: httpx's own time-outs begin anew with every read."""

import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx


class Stream(httpcore.NetworkStream):
    """A connection that waits no longer than `left` says."""

    def __init__(self, stream: httpcore.NetworkStream, left: Callable[[], float]) -> None:
        """Around a connection of httpcore."""
        self._stream = stream
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come in."""
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same, encrypted."""
        inner = self._stream.start_tls(ssl_context, server_hostname, self._left())
        return Stream(inner, self._left)

    def get_extra_info(self, info: str) -> Any:  # Any: httpcore's own
        """What httpcore wants to know of it."""
        return self._stream.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Opens such connections."""

    def __init__(self, backend: httpcore.NetworkBackend, left: Callable[[], float]) -> None:
        """Around the backend that a client has."""
        self._backend = backend
        self._left = left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to a host."""
        inner = self._backend.connect_tcp(host, port, self._left(), local_address, socket_options)
        return Stream(inner, self._left)


def keep_deadline(client: httpx.Client, left: Callable[[], float]) -> None:
    """Let every connection of the client wait no longer than `left` says."""
    for transport in (client._transport, *client._mounts.values()):
        # httpx 0.28 offers no public way to its connection pool.
        pool = getattr(transport, "_pool", None)
        if pool is not None:
            pool._network_backend = Backend(pool._network_backend, left)
