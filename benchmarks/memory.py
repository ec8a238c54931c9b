"""How much memory a process and all that it started take."""

import contextlib
import threading
from types import TracebackType

import psutil

_EVERY_SECONDS = 0.05


class PeakMemory:
    """Watches the proportional set size of a process tree while the block runs.

    Shared pages, an object store's too, are counted once in all.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            self.peak = max(self.peak, tree_pss(self._pid))


def tree_pss(pid: int) -> int:
    """Bytes of a process and its descendants."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for process in (own := psutil.Process(pid), *own.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total
