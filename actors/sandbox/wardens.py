"""Executes commands by one warden each, where no first process of a sandbox can."""

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.sandbox.channel import Reply
from actors.sandbox.inside import messages
from actors.sandbox.process import Ended, ProcessSandbox, ProcessSpec
from harness.errors import Unavailable


@dataclass(slots=True)
class Wardens:
    """Takes the same requests as a sandbox's first process: exec, end, signal."""

    _specify: Callable[[dict[str, Any], Sequence[int]], ProcessSpec]
    """What a request to execute means, with the three descriptors of its outputs."""
    _serials: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _running: dict[int, ProcessSandbox] = field(default_factory=dict)
    _ending: set[int] = field(default_factory=set)
    _waiting: "dict[int, asyncio.Future[Reply]]" = field(default_factory=dict)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    _open: bool = True

    def next_id(self) -> int:
        """See `Requests`."""
        return next(self._serials)

    def expect(self, key: int) -> "asyncio.Future[Reply]":
        """See `Requests`."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        return future

    def post(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        """See `Requests`."""
        if not self._open:
            self._waiting.pop(message["id"], None)
            raise Unavailable("The sandbox has ended.")
        if message["op"] == "exec":
            own = [os.dup(one) for one in descriptors]
            task = asyncio.get_running_loop().create_task(self._run(message, own))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        running = self._running.get(message["command"])
        if message["op"] == "end":
            self._ending.add(message["command"])
            if running is not None:
                running.kill("killed")
        elif running is not None and not running.has_ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, message["signum"])

    @property
    def pids(self) -> Sequence[int]:
        """The commands that run; what they started is below their wardens."""
        return [one.pid for one in self._running.values() if not one.has_ended]

    async def close(self) -> None:
        """End every command, and take no more."""
        self._open = False
        for running in list(self._running.values()):
            running.kill("killed")
        self._ending.update(self._waiting)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, message: dict[str, Any], descriptors: list[int]) -> None:
        number = message["id"]
        try:
            process = await ProcessSandbox.start(self._specify(message, descriptors))
        except (Unavailable, OSError) as trouble:
            self._answer(number, Reply({"ev": "failed", "error": str(trouble)}))
            return
        finally:
            messages.close_all(descriptors)
        self._running[number] = process
        if number in self._ending:
            process.kill("killed")
        try:
            self._answer(number, Reply(_event(await process.wait())))
        finally:
            await process.close()
            del self._running[number]
            self._ending.discard(number)

    def _answer(self, number: int, reply: Reply) -> None:
        future = self._waiting.pop(number, None)
        if future is not None and not future.done():
            future.set_result(reply)


def _event(ended: Ended) -> dict[str, Any]:
    status = ended.exit_code << 8 if ended.exit_code is not None else ended.signal
    return {
        "ev": "ended",
        "status": signal.SIGKILL if status is None else status,
        "cpu": ended.cpu_seconds,
        "peak": ended.peak_bytes,
        "reason": ended.reason,
    }
