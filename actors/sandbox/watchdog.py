"""Watches the memory of a sandbox where no cgroup limits it."""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

LOOK_SECONDS = 0.02
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class MemoryWatchdog:
    """Looks every 20 ms and tells when a process tree has more than its share.

    Between two looks a process can take more: this is a watchdog, not a wall.
    """

    _root: int
    _limit: int
    _tell: Callable[[], None]
    _measure: Callable[[int], int] | None = None
    """Bytes of what has that root; those of its process tree unless told otherwise."""
    peak: int = 0
    _watching: "asyncio.Task[None]" = field(init=False)

    def __post_init__(self) -> None:
        """Begin to watch; needs a running event loop."""
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    def close(self) -> None:
        """Look no more."""
        self._watching.cancel()

    async def _watch(self) -> None:
        measure, last = self._measure or tree_memory, 0
        while True:
            used = await asyncio.to_thread(measure, self._root)
            self.peak = max(self.peak, used)
            if used > self._limit and used >= last:  # what falls is being given back already
                self._tell()
            last = used
            await asyncio.sleep(LOOK_SECONDS)


def tree_memory(root: int) -> int:
    """Resident bytes of a process and all below it, pages of files left out.

    What forks share counts for each of them: this errs on the machine's side.
    """
    return sum(_own(pid) for pid in tree(root))


def tree(root: int) -> Iterator[int]:
    """A process and all below it, as they are now."""
    queue = [root]
    while queue:
        pid = queue.pop()
        yield pid
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    queue += [int(word) for word in file.read().split()]
        except OSError:
            continue


def _own(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            words = file.read().split()
    except OSError:
        return 0
    return max(0, int(words[1]) - int(words[2])) * _PAGE
