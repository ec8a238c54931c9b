"""One command: what a fork of the sandbox's first process becomes."""

import fcntl
import os
import random  # preloaded for code that runs here, and reseeded
import signal
import sys
import traceback
from typing import Any, NoReturn

from actors.sandbox.inside import kernel

ENVIRON = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/workspace",
    "LANG": "C.UTF-8",
    "TMPDIR": "/tmp",
    "USER": "agent",
}
NOT_STARTED = 127
_SIGNALS = (1, 2, 3, 10, 12, 13, 14, 15, 17, 25)
"""Which the first process hears in its own way, and no command does."""
_INTERRUPT = 2
_PIPE_SIGNALS = (13, 25)
"""SIGPIPE and SIGXFSZ, which Python ignores and tells as errors."""
_FIRST_FREE = 128
"""Above every number that a command may be given, below the limit of open files."""


def prepare() -> None:
    """Set, once for all forks, the environment that every command has."""
    os.environ.clear()
    os.environ.update(ENVIRON)


def become(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Execute a file, or run code in this very interpreter."""
    try:
        os.setsid()
        _reset_signals(keep_pipe_ignored="code" in request)
        _place(descriptors, request["numbers"])
        os.chdir(request["cwd"])
        environ = ENVIRON | request["environ"]
        kernel.set_dumpable(dumpable=True)
        if "code" in request:
            _run(request["code"], request["environ"])
        os.execvpe(request["argv"][0], request["argv"], environ)
    except Exception as trouble:  # whatever it is, this process must not go on as what it was
        os.write(2, f"cannot start: {trouble}\n".encode())
    os._exit(NOT_STARTED)


def spawned(request: dict[str, Any], descriptors: list[int]) -> int | None:
    """The process that executes a file, without a copy of this one; None where that fails.

    Copying an interpreter, and what of it is written to, takes longer than all of the rest.
    """
    if "code" in request:
        return None
    environ = ENVIRON | request["environ"]
    moved: list[int] = []
    try:
        for one in descriptors:
            moved.append(fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE))  # noqa: PERF401 - what was made is closed below
        os.chdir(request["cwd"])
        return os.posix_spawn(
            _found(request["argv"][0], environ),
            request["argv"],
            environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, source, target)
                for source, target in zip(moved, request["numbers"], strict=True)
            ],
            setsid=True,
            setsigdef=_SIGNALS,
        )
    except (OSError, ValueError, NotImplementedError):
        return None  # `become` tells why, if it cannot either
    finally:
        os.chdir("/")
        for one in moved:
            os.close(one)


def _found(name: str, environ: dict[str, str]) -> str:
    if "/" in name:
        return name
    for folder in os.get_exec_path(environ):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise FileNotFoundError(name)


def _reset_signals(*, keep_pipe_ignored: bool) -> None:
    signal.set_wakeup_fd(-1)
    for signum in _SIGNALS:
        if not keep_pipe_ignored or signum not in _PIPE_SIGNALS:
            kernel.hear(signum, kernel.DEFAULT)
    if keep_pipe_ignored:  # as Python starts, or asyncio's users die
        kernel.hear(_INTERRUPT, signal.default_int_handler)


def _place(descriptors: list[int], numbers: list[int]) -> None:
    """Give each descriptor its number and close all others."""
    moved = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for one in descriptors]
    os.closerange(0, _FIRST_FREE)
    for source, target in zip(moved, numbers, strict=True):
        os.dup2(source, target)
    os.closerange(_FIRST_FREE, max(moved) + 1)


def _run(code: str, environ: dict[str, str]) -> NoReturn:
    """Within an interpreter whose template has `ENVIRON` already."""
    os.environ.update(environ)
    random.seed()
    sys.argv = ["-c"]
    sys.stdin = open(0, closefd=False)
    sys.stdout = open(1, "w", closefd=False)
    sys.stderr = open(2, "w", closefd=False)
    status = 0
    try:
        exec(compile(code, "<code>", "exec"), {"__name__": "__main__"})  # noqa: S102 - its purpose
    except SystemExit as leaving:
        status = _status(leaving.code)
    except BaseException as error:  # as an interpreter's outermost level does
        frames = error.__traceback__
        traceback.print_exception(error.with_traceback(frames.tb_next if frames else None))
        status = 1
    _flush()
    os._exit(status & 0xFF)


def _status(code: object) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


def _flush() -> None:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return
