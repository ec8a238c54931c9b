"""Processes of a home whose supervisor was killed."""

from pathlib import Path

import psutil

END_SECONDS = 10.0


def end_remains(home: Path) -> bool:
    """End every process that a supervisor of this home started; gives whether there was one."""
    left = [process for process in psutil.process_iter() if _belongs(process, str(home))]
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=END_SECONDS)
    return bool(left)


def _belongs(process: psutil.Process, home: str) -> bool:
    """Whether the process was started by a supervisor of this home.

    Ray's workers write their title over their environment, so they are known by where they run.
    """
    try:
        title = process.cmdline()
        if title and title[0].startswith("ray::"):
            return process.cwd() == home
        return process.environ().get("ATH_SUPERVISED") == home
    except (psutil.Error, OSError):
        return False
