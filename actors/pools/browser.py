"""One browser of the pool: a Chromium and its keeper in a sandbox of their own."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.pools.memory import pss_bytes
from actors.sandbox.process import ProcessSandbox, ProcessSpec
from actors.workers.wire import Wire
from harness.domain.browser import BrowserEnd, BrowserKind
from harness.domain.redaction import Redactor
from harness.errors import Unavailable

KEEPER = Path(__file__).with_name("keeper.py")
START_SECONDS = 60.0
ANSWER_SECONDS = 10.0
CLEAN_SECONDS = 30.0
LAST_WORDS_SECONDS = 2.0
ARTIFACTS = "playwright-artifacts-*"
"""Where Playwright lets Chromium download, in the launcher's folder for temporary files."""
_PF_EXITING = 0x4


@dataclass(frozen=True, slots=True)
class BrowserBounds:
    """What one browser may use.

    Attributes:
        memory_bytes: Of all its processes.
        disk_bytes: Of its profile, caches and downloads.
        write_roots: Below what it may change files; None means everywhere.
    """

    memory_bytes: int = 2 << 30
    disk_bytes: int = 1 << 30
    write_roots: Sequence[str] | None = None


@dataclass(slots=True)
class Browser:
    """A running browser that is lent to one launcher at a time."""

    kind: BrowserKind
    folder: Path
    """Its private TMPDIR with the profile; removed at the end."""
    bounds: BrowserBounds
    parted: asyncio.Event = field(default_factory=asyncio.Event)
    """The present lease is over."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """It has ended, or must."""
    was_cut: bool = False
    """The last lease ended while its launcher still used it."""
    _sandbox: ProcessSandbox | None = None
    _wire: Wire | None = None
    _pid: int = 0
    _is_clean: bool = False
    """It has nothing left of its last lease."""
    _answers: "asyncio.Queue[Mapping[str, Any]]" = field(default_factory=asyncio.Queue)
    _order: asyncio.Lock = field(default_factory=asyncio.Lock)
    _listening: "asyncio.Task[None] | None" = None
    _died: bool = False
    _downloads: str = ""
    _end: BrowserEnd | None = None

    async def start(self) -> None:
        """Start it.

        Raises:
            Unavailable: it did not start; the message says what it said.
        """
        self.folder.mkdir(mode=0o700, parents=True)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._sandbox = await ProcessSandbox.start(self._spec(theirs.fileno()))
        except BaseException:  # the pool may close while a browser starts
            ours.close()
            raise
        self._wire = await Wire.open(ours, Redactor())
        self._listening = asyncio.create_task(self._listen(self._wire))
        profile = f"--user-data-dir={self.folder / 'profile'}"
        ready = await self._asked(
            {
                "argv": [*self.kind.argv, profile],
                "env": {**dict(self.kind.env), "TMPDIR": str(self.folder)},
                "door": str(self._door),
            },
            START_SECONDS,
        )
        self._pid = ready["pid"]
        self._watch_process()

    async def lend(self, token: str, downloads: str) -> str:
        """Open its door to one launcher, which keeps downloads there; gives the door."""
        self.parted.clear()
        self._downloads = downloads
        await self._asked({"op": "lease", "token": token})
        return str(self._door)

    async def take_back(self) -> bool:
        """End the lease; whether the browser has nothing left of it and can serve again."""
        if not self.parted.is_set() and self._wire:
            self._wire.send({"op": "release"})
            try:
                async with asyncio.timeout(CLEAN_SECONDS):
                    await self.parted.wait()
            except TimeoutError:
                return False
        self._downloads = ""
        return self._is_clean and not self._died

    @property
    def lives(self) -> bool:
        """Asked of the kernel: no client can hear of the browser's end before this says so."""
        return not self._died and all(map(_is_alive, (self._pid, self._keeper_pid)))

    async def memory(self) -> int:
        """PSS of all its processes, in bytes."""
        return await asyncio.to_thread(pss_bytes, self._keeper_pid)

    async def outgrown(self) -> bool:
        """Whether its files take more room than they may; such a browser is killed."""
        used = await asyncio.to_thread(self._used)
        if self._end or used <= self.bounds.disk_bytes:
            return False
        self._end = BrowserEnd.DISK
        if self._sandbox:
            self._sandbox.kill("disk")
        return True

    async def stop(self) -> BrowserEnd:
        """End what is left of it; gives why it ended if that was not asked for."""
        reason = await self._ended(self._sandbox) if self._sandbox else BrowserEnd.CRASHED
        if self._listening:
            self._listening.cancel()
        if self._wire:
            await self._wire.close()
        return reason

    async def clear(self) -> None:
        """Remove its files."""
        await asyncio.to_thread(shutil.rmtree, self.folder, True)

    async def _ended(self, sandbox: ProcessSandbox) -> BrowserEnd:
        if not self._died:
            await sandbox.close()
            self.parted.set()
            return self._end or BrowserEnd.RELEASED
        try:
            # The warden knows whether it was memory; it tells when nothing is left.
            reason = (await sandbox.wait(LAST_WORDS_SECONDS)).reason
        except TimeoutError:
            reason = ""
            await sandbox.close()
        return self._end or (BrowserEnd.MEMORY if reason == "oom" else BrowserEnd.CRASHED)

    @property
    def _keeper_pid(self) -> int:
        return self._sandbox.pid if self._sandbox else 0

    @property
    def _door(self) -> Path:
        return self.folder / "door"

    def _spec(self, fd: int) -> ProcessSpec:
        folder = str(self.folder)
        return ProcessSpec(
            argv=[sys.executable, "-I", "-S", str(KEEPER), str(fd)],
            cwd=folder,
            env={},
            log=str(self.folder / "browser.log"),
            fds=[fd],
            log_bytes=1 << 20,
            memory_bytes=self.bounds.memory_bytes,
            write_roots=self.bounds.write_roots,
            rlimits={
                "RLIMIT_CORE": 0,
                "RLIMIT_NOFILE": 65536,
                "RLIMIT_FSIZE": self.bounds.disk_bytes,
            },
        )

    async def _listen(self, wire: Wire) -> None:
        while message := await wire.receive():
            if message["ev"] == "parted":
                self._is_clean = message["clean"]
                self.was_cut = message["cut"]
                self.parted.set()
            else:
                self._answers.put_nowait(message)
        self._die()

    async def _asked(
        self, question: Mapping[str, Any], seconds: float = ANSWER_SECONDS
    ) -> Mapping[str, Any]:  # Any: JSON of our own keeper
        async with self._order:
            if self._died or self._wire is None:
                raise Unavailable("The browser has ended.")
            self._wire.send(question)
            try:
                async with asyncio.timeout(seconds):
                    answer = await self._answers.get()
            except TimeoutError:
                self._die()
                raise Unavailable(f"The browser did not answer within {seconds:g} s.") from None
            if answer["ev"] == "gone":
                raise Unavailable(f"The browser ended or could not be started:\n{self._said()}")
            return answer

    def _die(self) -> None:
        self._part()
        self._answers.put_nowait({"ev": "gone"})

    def _part(self) -> None:
        self._died = True
        self.over.set()
        self.parted.set()

    def _watch_process(self) -> None:
        """Hear of Chromium's end from the kernel, whatever its server is doing."""
        loop = asyncio.get_running_loop()
        try:
            handle = os.pidfd_open(self._pid)
        except ProcessLookupError:
            self._die()
            return

        def ended() -> None:
            loop.remove_reader(handle)
            os.close(handle)
            self._part()

        loop.add_reader(handle, ended)

    def _used(self) -> int:
        downloads = Path(self._downloads).glob(ARTIFACTS) if self._downloads else ()
        return sum(map(_size, (self.folder, *downloads)))

    def _said(self) -> str:
        try:
            return (self.folder / "browser.log").read_bytes()[-2000:].decode(errors="replace")
        except FileNotFoundError:
            return ""


def _is_alive(pid: int) -> bool:
    """A process marks itself as exiting before it closes the first of its files."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return False
    return not int(fields[6]) & _PF_EXITING


def _size(folder: Path) -> int:
    """Bytes on disk; what vanishes meanwhile counts nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512  # noqa: PTH118  # hot
            except OSError:
                continue
    return total
