"""What a file system refuses, as errors of the platform, and what makes a name durable."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import StorageFull, Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Raise StorageFull or Unavailable for an OSError within; `what` names the thing it is of."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(
                f"{what} has no room left; nothing was kept. Free some of its disk, then try again."
            ) from error
        raise Unavailable(f"{what} cannot be used ({error}). Check its disk and rights.") from error


def sync_folder(folder: Path) -> None:
    """Make the names in the folder survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tree_bytes(folder: Path) -> int:
    """Disk that a folder takes, each file once however many names it has."""
    seen: set[tuple[int, int]] = set()
    total = 0
    stack = [str(folder)]
    while stack:
        with suppress(OSError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)
                if status.st_nlink > 1 and (mark := (status.st_dev, status.st_ino)) in seen:
                    continue
                if status.st_nlink > 1:
                    seen.add(mark)
                total += status.st_blocks * 512
    return total
