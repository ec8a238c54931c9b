"""Opening files below a folder that hostile processes change meanwhile; the kernel keeps us in."""

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import Forbidden, InvalidInput, NotFound, QuotaExceeded

_OPENAT2 = 437
"""The same number everywhere."""
_NO_XDEV, _NO_MAGIC_LINKS, _NO_LINKS, _BENEATH = 1, 2, 4, 8
_ATTEMPTS = 10

_libc = ctypes.CDLL(None, use_errno=True)


def open_beneath(folder: int, path: str, flags: int, mode: int = 0, *, links: bool = True) -> int:
    """A descriptor of what is there; links are followed only while they stay below.

    Never waits: pipes open without a partner, or fail.

    Raises:
        Forbidden: the path leads out of the folder or its file system.
        InvalidInput: it cannot be a path.
        NotFound, QuotaExceeded: nothing is there; nothing fits any more.
    """
    resolve = _NO_XDEV | _NO_MAGIC_LINKS | _BENEATH | (0 if links else _NO_LINKS)
    flags |= os.O_CLOEXEC | (0 if flags & os.O_PATH else os.O_NONBLOCK | os.O_NOCTTY)
    how = struct.pack("QQQ", flags, mode, resolve)
    name = _checked(path)
    for _ in range(_ATTEMPTS):
        found: int = _libc.syscall(_OPENAT2, folder, name, how, len(how))
        if found >= 0:
            return found
        if ctypes.get_errno() != errno.EAGAIN:  # somebody renamed on the way
            break
    raise refused(OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno())), path)


def refused(trouble: OSError, path: str) -> Exception:
    """What the caller of a file operation is told."""
    match trouble.errno:
        case errno.ENOENT:
            return NotFound(f"The sandbox has no {path!r}.")
        case errno.EXDEV | errno.ELOOP:
            return Forbidden(f"{path!r} leads out of the sandbox's workspace.")
        case errno.EACCES | errno.EPERM:
            return Forbidden(f"{path!r} in the sandbox does not allow that.")
        case errno.ENOSPC | errno.EDQUOT:
            return QuotaExceeded(f"{path!r} does not fit into the sandbox's volume.")
        case _:
            return InvalidInput(f"{path!r} in the sandbox: {trouble.strerror}.")


@contextmanager
def acting_as(owner: int | None) -> Iterator[None]:
    """Touch files with no more rights than that user has; in this thread alone, not over awaits."""
    if owner is None:
        yield
        return
    group, user = _libc.setfsgid(owner), _libc.setfsuid(owner)
    try:
        yield
    finally:
        _libc.setfsuid(user)
        _libc.setfsgid(group)


def _checked(path: str) -> bytes:
    name = os.fsencode(path)
    if not name or b"\0" in name or len(name) >= 4096:
        raise InvalidInput(f"{path[:80]!r} cannot be a path in a sandbox.")
    return name
