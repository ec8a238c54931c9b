"""A program run to its end: bounded in time, its output bounded in memory."""

import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from actors.specs.failure import StepFailed

KEPT = 64 * 1024
"""Of each stream, as many bytes at its beginning and at its end."""
DRAIN_SECONDS = 0.5
_CHUNK = 64 * 1024
_TICK_SECONDS = 0.2


@dataclass(slots=True)
class Output:
    """The beginning and the end of a stream of any length."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    size: int = 0

    def take(self, data: bytes) -> None:
        """Keep what belongs to the beginning or, for now, to the end."""
        self.size += len(data)
        room = KEPT - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > 2 * KEPT:
            del self.tail[:-KEPT]

    @property
    def text(self) -> str:
        """What was kept, with a note where something is missing."""
        tail = bytes(self.tail[-KEPT:])
        missing = self.size - len(self.head) - len(tail)
        note = f"\n… {missing} bytes left out …\n".encode() if missing else b""
        return (bytes(self.head) + note + tail).decode(errors="replace")

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out."""
        return self.size <= len(self.head) + min(len(self.tail), KEPT)


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a program."""

    exit_code: int
    """Negative for a signal."""
    stdout: Output
    stderr: Output


def run_program(
    argv: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    stdin: str,
    left: Callable[[], float],
    spend: Callable[[int], None],
) -> Ended:
    """Run a program without a shell; its process group ends with it, or with its deadline.

    Raises:
        StepFailed: it cannot be started, did not end in time, or wrote more than it may.
    """
    with tempfile.TemporaryFile() as given:
        given.write(stdin.encode())
        given.seek(0)
        program = _start(argv, folder, env, given)
    try:
        outputs = _read(program, left, spend)
    finally:
        _end(program)
    return Ended(program.returncode, *outputs)


def _start(
    argv: Sequence[str], folder: Path, env: Mapping[str, str], stdin: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            cwd=folder,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as failed:
        raise StepFailed(f"{argv[0]!r} cannot be started: {failed}") from None


def _read(
    program: subprocess.Popen[bytes], left: Callable[[], float], spend: Callable[[int], None]
) -> tuple[Output, Output]:
    """Both streams until the program ends; one that it left to others is read a moment longer."""
    outputs = (Output(), Output())
    with selectors.DefaultSelector() as selector:
        for stream, output in zip((program.stdout, program.stderr), outputs, strict=True):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, output)
        while selector.get_map() and program.poll() is None:
            _take(selector, min(left(), _TICK_SECONDS), spend)
        while program.poll() is None:
            _wait(program, left)
        while selector.get_map() and _take(selector, DRAIN_SECONDS, spend):
            left()
    return outputs


def _take(selector: selectors.BaseSelector, seconds: float, spend: Callable[[int], None]) -> bool:
    """Whether anything came."""
    ready = selector.select(seconds)
    for key, _ in ready:
        data = os.read(key.fd, _CHUNK)
        if not data:
            selector.unregister(key.fileobj)
            continue
        spend(len(data))
        key.data.take(data)
    return bool(ready)


def _wait(program: subprocess.Popen[bytes], left: Callable[[], float]) -> None:
    try:
        program.wait(min(left(), _TICK_SECONDS))
    except subprocess.TimeoutExpired:
        return


def _end(program: subprocess.Popen[bytes]) -> None:
    """End what is left of its process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()
    for stream in (program.stdout, program.stderr):
        if stream is not None:
            stream.close()
