"""The host's end of a sandbox's control socket: questions, their answers, and the end."""

import asyncio
import itertools
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from actors.sandbox.inside import messages
from harness.errors import Unavailable

ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, with descriptors that are now the receiver's to close."""

    event: dict[str, Any]
    descriptors: Sequence[int] = ()


class Requests(Protocol):
    """What a command needs of the side that executes it."""

    def next_id(self) -> int:
        """An id for a question."""
        ...

    def expect(self, key: int) -> "asyncio.Future[Reply]":
        """The event of that id."""
        ...

    def post(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Say something; Unavailable if nobody hears it."""
        ...


@dataclass(slots=True)
class Channel:
    """One control socket within a running event loop."""

    _socket: socket.socket
    _on_lost: Callable[[], None]
    _waiting: dict[int | str, asyncio.Future[Reply]] = field(default_factory=dict)
    _serials: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _open: bool = True

    def listen(self) -> None:
        """Begin to hear."""
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._hear)

    def expect(self, key: int | str) -> "asyncio.Future[Reply]":
        """The event of that id, or, without one, of that kind."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if not self._open:
            future.set_exception(Unavailable("The sandbox has ended."))
            future.exception()  # looked at, whether or not somebody awaits it
        else:
            self._waiting[key] = future
        return future

    def next_id(self) -> int:
        """An id for a question."""
        return next(self._serials)

    def post(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Say something; its answer, if any, was expected before.

        Raises:
            Unavailable: nobody hears it.
        """
        if not self._open:
            raise Unavailable("The sandbox has ended.")
        try:
            messages.send(self._socket, message, list(descriptors))
        except OSError as trouble:
            raise Unavailable(f"The sandbox takes no request: {trouble}.") from trouble

    async def ask(self, op: str, descriptors: Sequence[int] = (), **facts: object) -> Reply:
        """Ask and wait for the answer.

        Raises:
            Unavailable: the sandbox has ended, is silent, or could not do it.
        """
        asked = self.next_id()
        answer = self.expect(asked)
        try:
            self.post({"op": op, "id": asked, **facts}, descriptors)
            async with asyncio.timeout(ANSWER_SECONDS):
                reply = await answer
        except TimeoutError as silent:
            raise Unavailable(f"The sandbox did not answer {op}.") from silent
        finally:
            self._waiting.pop(asked, None)
        if reply.event["ev"] == "failed":
            raise Unavailable(f"The sandbox could not {op}: {reply.event['error']}.")
        return reply

    def close(self) -> None:
        """Hang up; who still waits is told."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Unavailable("The sandbox has ended."))
                    future.exception()
            self._waiting.clear()
            self._on_lost()

    def _hear(self) -> None:
        try:
            event, descriptors = messages.receive(self._socket)
            key = _key(event or {})
        except BlockingIOError:
            return
        except (OSError, ValueError, TypeError, AttributeError):
            event = None  # what comes from inside need not make sense
        if event is None:
            self.close()
            return
        future = self._waiting.pop(key, None)
        if future is None or future.done():
            messages.close_all(descriptors)
        else:
            future.set_result(Reply(event, descriptors))


def _key(event: dict[str, Any]) -> int | str:
    return int(event["id"]) if "id" in event else str(event.get("ev"))
