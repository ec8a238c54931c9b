"""What a process tree takes: proportional set size, in which shared pages are divided fairly."""

import contextlib
from pathlib import Path

import psutil


def pss_bytes(pid: int) -> int:
    """Of a process and everything below it; 0 for what ended."""
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_pss(process.pid) for process in tree)


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
