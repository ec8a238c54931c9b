"""The interpreter of a suite in its sandbox, before it knows which suite."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from actors.sandbox.process import ProcessSandbox, ProcessSpec

PACKAGE = Path(__file__).resolve().parents[2] / "harness" / "inject" / "_ath_pytest"
WAIT = "--wait"
"""Tells the injected package to load pytest before it hears what to run."""


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that an interpreter is told at its start."""

    interpreter: str
    env: Mapping[str, str]
    memory_bytes: int
    write_roots: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class SuiteProcess:
    """A started interpreter; it says nothing before it is told to start, but that it is ready."""

    sandbox: ProcessSandbox
    channel: socket.socket
    """Our end of the only way to talk to it."""
    folder: Path
    """Private to it; holds the injected package and the log."""
    temporary: str
    """Its TMPDIR."""

    @classmethod
    async def start(
        cls, launch: Launch, folder: Path, temporary: Path, cwd: Path, *words: str
    ) -> "SuiteProcess":
        """Start the interpreter.

        Args:
            launch: what it is told.
            folder: does not exist yet.
            temporary: in it TMPDIR is made; short, because browsers and tests put Unix sockets
                there, whose paths are limited to 107 bytes.
            cwd: where it starts.
            words: for the injected package.

        Raises:
            Unavailable: the sandbox did not start; nothing is left of it.
            OSError: the disk refused; likewise.
        """
        with ExitStack() as undo:
            await asyncio.to_thread(folder.mkdir, 0o700, parents=True)
            undo.callback(shutil.rmtree, folder, True)
            await asyncio.to_thread(_lay_out, folder)
            own = tempfile.mkdtemp(dir=temporary)
            undo.callback(shutil.rmtree, own, True)
            ours, theirs = socket.socketpair()
            undo.callback(ours.close)
            with theirs:
                fd = theirs.fileno()
                told = {"TMPDIR": own, "PWD": str(cwd), "ATH_FD": str(fd)}
                sandbox = await ProcessSandbox.start(
                    ProcessSpec(
                        argv=[launch.interpreter, str(folder / "_ath_pytest" / "boot.py"), *words],
                        cwd=str(cwd),
                        env={**launch.env, **told},
                        log=str(_log(folder)),
                        fds=[fd],
                        memory_bytes=launch.memory_bytes,
                        write_roots=launch.write_roots,
                    )
                )
            undo.pop_all()
        return cls(sandbox, ours, folder, own)

    @property
    def log(self) -> Path:
        """The runner's own output."""
        return _log(self.folder)

    async def discard(self) -> None:
        """End it, unused, and remove what it had."""
        self.channel.close()
        await self.sandbox.close()
        for folder in (str(self.folder), self.temporary):
            await asyncio.to_thread(shutil.rmtree, folder, True)


def _log(folder: Path) -> Path:
    return folder / "runner.log"


def _lay_out(folder: Path) -> None:
    shutil.copytree(PACKAGE, folder / "_ath_pytest", ignore=shutil.ignore_patterns("__pycache__"))
