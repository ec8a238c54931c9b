"""A suite in its own interpreter: collected once, executed by forks of what was collected."""

import asyncio
import shutil
import signal
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from actors.sandbox.process import ProcessSandbox
from actors.workers.collection import Collection, collection_of
from actors.workers.suite_process import SuiteProcess
from actors.workers.suite_worker import SuiteWorker
from actors.workers.warm_processes import Kind, WarmProcesses
from actors.workers.wire import Wire
from harness.domain.browser import BrowserChoice
from harness.domain.redaction import Redactor
from harness.errors import Conflict, InvalidInput, Unavailable

FORK_SECONDS = 30.0
CLOSE_SECONDS = 30.0
SUCCESSIONS = 3
"""How often a collecting process that was killed is replaced."""


@dataclass(frozen=True, slots=True)
class SuiteSpec:
    """One suite as the host was asked to run it."""

    kind: Kind
    argv: Sequence[str]
    cwd: Path
    browser: BrowserChoice | None
    door: Path
    """Where its workers ask for warm browsers."""
    folder: Path
    """Private to this session."""
    temporary: Path
    """Folder in which the session makes its own TMPDIR."""
    redactor: Redactor = field(default_factory=Redactor)
    proxy: str = ""
    """Through which its browsers go out; empty where they go as they like."""
    last_failed: Sequence[str] = ()
    """Tests that pytest shall take for those that failed last."""

    @property
    def coverage(self) -> Path:
        """Where the collecting process writes what was covered."""
        return self.folder / "coverage.json"


@dataclass(slots=True)
class SuiteSession:
    """One collecting process and the workers made of it."""

    spec: SuiteSpec
    warm: WarmProcesses
    generation: int = 0
    """How many collecting processes were lost before this one."""
    _process: SuiteProcess | None = None
    _wire: Wire | None = None
    _collection: Collection | None = None
    _forked: dict[str, "asyncio.Future[int]"] = field(default_factory=dict)
    _exits: dict[str, "asyncio.Future[int]"] = field(default_factory=dict)
    _listening: "asyncio.Task[None] | None" = None
    _others: list["SuiteSession"] = field(default_factory=list)
    _became: bool = False
    _closed: bool = False
    _heir: "SuiteSession | None" = None
    _succession: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def temporary(self) -> str:
        """Its private TMPDIR."""
        return self._process.temporary if self._process else ""

    @property
    def log(self) -> Path | None:
        """The runner's own output."""
        return self._process.log if self._process else None

    @property
    def _sandbox(self) -> ProcessSandbox | None:
        return self._process.sandbox if self._process else None

    async def collect(self, seconds: float) -> Collection:
        """Start the interpreter and let pytest collect.

        Raises:
            InvalidInput: the command cannot be run; the message quotes what the runner said.
            Unavailable: it did not end in time.
        """
        await self._start()
        try:
            async with asyncio.timeout(seconds):
                message = await self._first_message()
        except asyncio.CancelledError:
            if self._sandbox:
                self._sandbox.kill("cancelled")
            raise
        except TimeoutError:
            await self.close()
            raise InvalidInput(
                f"The suite was not collected within {seconds:g} s. Its last output:\n"
                f"{self._said()}"
            ) from None
        if message is None or message["ev"] != "collected":
            raise await self._did_not_collect(message)
        self._collection = collection_of(message)
        self._listening = asyncio.create_task(self._listen())
        return self._collection

    async def open_worker(self, name: str) -> SuiteWorker:
        """A worker that holds every collected test.

        A collecting process that was killed is replaced, which collects again.

        Raises:
            Conflict: the suite gives other test ids in another process, so that only the first
                worker can execute them.
            Unavailable: the suite's process ended again and again.
        """
        if self._collection is None or self._wire is None or self._sandbox is None:
            raise Unavailable("The suite is not collected yet.")
        if self._collection.forkable:
            worker = None if self._is_lost else await self._fork(name)
            return worker or await (await self._successor()).open_worker(name)
        if not self._became:
            self._became = True
            self._wire.send({"op": "become", "worker": name})
            if self._listening:
                self._listening.cancel()
                # A task that was cancelled reads on for a moment, and two cannot read.
                await asyncio.wait([self._listening])
            return SuiteWorker(name, self._wire, self._sandbox.pid, whole=self._sandbox)
        return await self._another(name)

    def serial_group(self, index: int) -> str | None:
        """The group of a collected test whose tests never run side by side."""
        return self._collection.cases[index].serial_group if self._collection else None

    async def close(self) -> None:
        """End every process of the suite."""
        for other in self._others:
            await other.close()
        if self._sandbox is None or self._wire is None or self._closed:
            return
        self._closed = True
        self._wire.send({"op": "close"})
        try:
            await self._sandbox.wait(CLOSE_SECONDS)
        except TimeoutError:
            await self._sandbox.close()
        if self._listening:
            self._listening.cancel()
        await self._wire.close()
        await asyncio.to_thread(shutil.rmtree, self.temporary, True)

    def clear(self) -> None:
        """Remove what its processes had; after `close`, and when nobody needs the log any more."""
        for session in (self, *self._others):
            if session._process:
                shutil.rmtree(session._process.folder, ignore_errors=True)

    def interrupt(self, grace_seconds: float) -> None:
        """Ask every process to stop, then make it."""
        for session in (self, *self._others):
            if session._sandbox:
                session._sandbox.interrupt("cancelled", grace_seconds)

    async def _start(self) -> None:
        spec = self.spec
        process = await self.warm.take(spec.kind, spec.argv, spec.cwd)
        if process is None:
            launch, folder = spec.kind.launch, spec.folder / "process"
            process = await SuiteProcess.start(launch, folder, spec.temporary, spec.cwd)
        spec.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._process = process
        self._wire = await Wire.open(process.channel, spec.redactor)
        browser = self.spec.browser
        choice = dict(asdict(browser), door=str(self.spec.door)) if browser else None
        self._wire.send(
            {
                "op": "start",
                "argv": list(self.spec.argv),
                "cwd": str(self.spec.cwd),
                "browser": choice,
                "door": str(self.spec.door),
                "proxy": self.spec.proxy,
                "last_failed": list(self.spec.last_failed),
                "coverage": str(self.spec.coverage),
            }
        )

    async def _first_message(self) -> "dict[str, object] | None":
        return await self._wire.receive() if self._wire else None

    async def _did_not_collect(self, message: "dict[str, object] | None") -> InvalidInput:
        if self._sandbox:
            await self._sandbox.close()
        why = str((message or {}).get("why") or "").strip()
        said = self._said()
        return InvalidInput(
            f"The command {' '.join(self.spec.argv)!r} ended before it collected tests. "
            f"It said:\n{why or said or '(nothing)'}"
        )

    def _said(self) -> str:
        try:
            content = self.log.read_bytes() if self.log else b""
            return content[-4000:].decode(errors="replace").strip()
        except FileNotFoundError:
            return ""

    @property
    def _is_lost(self) -> bool:
        return self._listening is None or self._listening.done()

    async def _successor(self) -> "SuiteSession":
        async with self._succession:
            if self._heir is None:
                if self.generation == SUCCESSIONS:
                    raise Unavailable(
                        f"The suite's process ended {SUCCESSIONS + 1} times. "
                        f"Its last output:\n{self._said()}"
                    )
                self._heir = await self._again(f"again{self.generation + 1}", self.generation + 1)
            return self._heir

    async def _listen(self) -> None:
        """Take what the collecting process says about its forks."""
        while self._wire and (message := await self._wire.receive()):
            worker = str(message.get("worker"))
            if message["ev"] == "forked":
                _settle(self._forked, worker, int(str(message["pid"])))
            elif message["ev"] == "worker_exited":
                _settle(self._exits, worker, int(str(message["code"])))
        for worker in self._exits:
            # The warden ends the forks of a process that is gone.
            _settle(self._exits, worker, -signal.SIGKILL)

    async def _fork(self, name: str) -> SuiteWorker | None:
        """A fork; None when the process that should have forked is gone."""
        loop = asyncio.get_running_loop()
        self._forked[name], self._exits[name] = loop.create_future(), loop.create_future()
        ours, theirs = socket.socketpair()
        with theirs:
            pid = await self._forked_pid(name, theirs)
        if pid is None:
            ours.close()
            return None
        wire = await Wire.open(ours, self.spec.redactor)
        return SuiteWorker(name, wire, pid, exit_code=self._exits[name])

    async def _forked_pid(self, name: str, channel: socket.socket) -> int | None:
        forked, listening = self._forked[name], self._listening
        if self._wire is None or listening is None:
            return None
        try:
            self._wire.send({"op": "fork", "worker": name}, channel)
        except Unavailable:
            return None
        either: set[asyncio.Future[Any]] = {forked, listening}  # one gives a pid, one gives nothing
        done, _ = await asyncio.wait(
            either, timeout=FORK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            raise Unavailable(
                f"The suite's process does not answer. Its last output:\n{self._said()}"
            )
        return forked.result() if forked in done else None

    async def _another(self, name: str) -> SuiteWorker:
        """A second process that collects by itself, for suites that must not be forked."""
        other = await self._again(name, self.generation)
        if other._collection:
            other._collection = replace(other._collection, forkable=False)
        return await other.open_worker(name)

    async def _again(self, folder: str, generation: int) -> "SuiteSession":
        """The same suite, collected by a process of its own."""
        other = SuiteSession(
            replace(self.spec, folder=self.spec.folder / folder), self.warm, generation
        )
        self._others.append(other)
        found = await other.collect(CLOSE_SECONDS * 10)
        if self._collection and found.ids != self._collection.ids:
            raise Conflict(
                "The suite gives other test ids in every process and cannot be forked, because it "
                "starts threads while it is collected. Make its ids stable to spread it."
            )
        return other


def _settle(futures: "dict[str, asyncio.Future[int]]", name: str, value: int) -> None:
    future = futures.get(name)
    if future and not future.done():
        future.set_result(value)
