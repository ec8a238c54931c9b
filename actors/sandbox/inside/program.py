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
_FIRST_FREE = 128
"""Above every number that a command may be given, below the limit of open files."""


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
            _run(request["code"], environ)
        os.execvpe(request["argv"][0], request["argv"], environ)
    except Exception as trouble:  # whatever it is, this process must not go on as what it was
        os.write(2, f"cannot start: {trouble}\n".encode())
    os._exit(NOT_STARTED)


def _reset_signals(*, keep_pipe_ignored: bool) -> None:
    signal.set_wakeup_fd(-1)
    for signum in (1, 2, 3, 10, 12, 14, 15, 17):
        signal.signal(signum, signal.SIG_DFL)
    if keep_pipe_ignored:  # as Python starts, or asyncio's users die
        signal.signal(signal.SIGINT, signal.default_int_handler)
    else:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def _place(descriptors: list[int], numbers: list[int]) -> None:
    """Give each descriptor its number and close all others."""
    moved = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for one in descriptors]
    os.closerange(0, _FIRST_FREE)
    for source, target in zip(moved, numbers, strict=True):
        os.dup2(source, target)
    os.closerange(_FIRST_FREE, max(moved) + 1)


def _run(code: str, environ: dict[str, str]) -> NoReturn:
    os.environ.clear()
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
