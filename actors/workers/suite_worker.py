"""One worker of a suite: runs tests by index and tells what came of them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.sandbox.process import ProcessSandbox
from actors.workers.wire import Wire

EXIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class TestStarted:
    """The worker begins with a test."""

    __test__ = False

    index: int


@dataclass(frozen=True, slots=True)
class StepTold:
    """A step of the running test began or ended; `told` is as the injected package tells it."""

    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TestFinished:
    """A test came to its end; `outcome` is as the injected package tells it."""

    __test__ = False

    index: int
    outcome: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkerStopped:
    """The suite itself asked to stop, such as by pytest.exit."""

    why: str


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker's process ended before its work did."""

    exit_code: int | None
    """Negative for a signal; None when unknown."""
    why: str


WorkerEvent = TestStarted | StepTold | TestFinished | WorkerStopped | WorkerLost


@dataclass(slots=True)
class SuiteWorker:
    """A process that holds every collected test."""

    name: str
    _wire: Wire
    _pid: int
    exit_code: "asyncio.Future[int] | None" = None
    whole: ProcessSandbox | None = None
    """Set when this worker is the suite's only process."""
    _finishing: bool = False
    _killed: str = ""

    def run(self, indexes: Sequence[int]) -> None:
        """Run these tests after what it was given before."""
        self._wire.send({"op": "run", "tests": list(indexes)})

    def finish(self) -> None:
        """Nothing follows: run the last test and close fixtures."""
        self._finishing = True
        self._wire.send({"op": "finish"})

    def kill(self, why: str) -> None:
        """End its process and what stayed in its process group."""
        self._killed = self._killed or why
        if self.whole:
            self.whole.kill(why)
            return
        for kill in (os.killpg, os.kill):
            try:
                kill(self._pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    async def events(self) -> AsyncIterator[WorkerEvent]:
        """What happens, until the worker's end; the last event may be that it was lost."""
        while message := await self._wire.receive():
            match message["ev"]:
                case "started":
                    yield TestStarted(message["i"])
                case "step":
                    yield StepTold(message)
                case "finished":
                    yield TestFinished(message["i"], message)
                case "stopped":
                    yield WorkerStopped(message["why"])
                case "exited":
                    await self._wire.close()
                    return
                case _:
                    continue
        await self._wire.close()
        yield WorkerLost(await self._code(), self._killed)

    async def _code(self) -> int | None:
        if self.whole:
            try:
                ended = await self.whole.wait(EXIT_SECONDS)
            except TimeoutError:
                return None
            self._killed = self._killed or ("" if ended.reason == "exit" else ended.reason)
            return -ended.signal if ended.signal else ended.exit_code
        if self.exit_code is None:
            return None
        try:
            return await asyncio.wait_for(asyncio.shield(self.exit_code), EXIT_SECONDS)
        except TimeoutError:
            return None
