"""The processes below this one: who they are, and how all of them end."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Sequence

import psutil

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on, descendants whose parent dies become children of this process (Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def descendants() -> Sequence[psutil.Process]:
    """Every process below this one."""
    return list(psutil.Process().children(recursive=True))


def orphans(known: Sequence[subprocess.Popen[bytes]]) -> Sequence[psutil.Process]:
    """Direct children that this process did not start itself: their parents died."""
    mine = {child.pid for child in known}
    return [child for child in psutil.Process().children() if child.pid not in mine]


def reap() -> None:
    """Collect the exit codes of adopted children that ended."""
    for child in psutil.Process().children():
        try:
            if child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)
        except (psutil.NoSuchProcess, ChildProcessError):
            continue


def end_all(grace_seconds: float) -> None:
    """SIGTERM to every descendant, SIGKILL to what is left after the grace, until none is."""
    end(descendants(), grace_seconds)
    while left := [p for p in descendants() if p.status() != psutil.STATUS_ZOMBIE]:
        end(left, 0.0)
    reap()


def end(processes: Sequence[psutil.Process], grace_seconds: float) -> None:
    """SIGTERM, then SIGKILL after the grace, to exactly these processes."""
    for signum in (signal.SIGTERM, signal.SIGKILL) if grace_seconds else (signal.SIGKILL,):
        for process in processes:
            try:
                process.send_signal(signum)
            except psutil.NoSuchProcess:
                continue
        _, processes = psutil.wait_procs(processes, timeout=grace_seconds or 5.0)
