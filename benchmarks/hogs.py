"""Processes that take every core, for figures of a loaded machine."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

_SPIN = "import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n  for _ in range(100000): pass"
"""Ends with whoever started it, too."""


@contextlib.contextmanager
def hogs() -> Iterator[None]:
    """One for each core, within the context."""
    argv = [sys.executable, "-I", "-S", "-c", _SPIN, str(os.getpid())]
    found = [subprocess.Popen(argv) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for one in found:
            one.kill()
            one.wait()
