"""System calls that Python 3.11 lacks, each raising OSError with what was asked."""

import _signal  # type: ignore[import-not-found]  # typeshed leaves it out
import ctypes
import os
import struct
from typing import Any

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
RDONLY, NOSUID, NODEV, NOEXEC = 1, 2, 4, 8
"""As mount flags and as mount attributes."""
BIND, RECURSIVE, PRIVATE = 1 << 12, 1 << 14, 1 << 18

_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MNT_DETACH = 2
_MOUNT_SETATTR = 442
"""The same number everywhere."""
_CAPABILITY_VERSION = 0x20080522
_PDEATHSIG, _SET_DUMPABLE, _SET_NAME, _DROP_BOUND, _AMBIENT = 1, 4, 15, 24, 47
_CLEAR_AMBIENT = 4
_LAST_CAPABILITY = 63

_libc = ctypes.CDLL(None, use_errno=True)
DEFAULT = 0
"""How a signal is heard that nobody handles."""


def hear(signum: int, how: Any) -> None:  # Any: that, or a function
    """Like `signal.signal`, which looks for enums on pages that a fork has yet to copy: 30 µs."""
    _signal.signal(signum, how)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Attach a file system, or with BIND a part of one."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _check(result, f"mount {kind or source} on {target}")


def restrict_mount(target: str, attributes: int, *, below: bool = True) -> None:
    """Add attributes to what is mounted there, and to everything mounted below."""
    wanted = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if below else 0
    result = _libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, target.encode(), flags, wanted, len(wanted))
    _check(result, f"mount_setattr {target}")


def make_root(folder: str) -> None:
    """Make a mounted folder the root; what was the root is gone."""
    os.chdir(folder)
    _check(_libc.pivot_root(b".", b"."), f"pivot_root {folder}")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount of the old root")
    os.chdir("/")


def unshare(namespaces: int) -> None:
    """Leave these namespaces for new ones."""
    _check(_libc.unshare(namespaces), f"unshare {namespaces:#x}")


def set_hostname(name: str) -> None:
    """Of this UTS namespace."""
    _check(_libc.sethostname(name.encode(), len(name)), "sethostname")


def drop_capabilities() -> None:
    """All of them, for this process and whatever it executes."""
    drop_bounding_capabilities()
    keep_capabilities()


def keep_capabilities(*kept: int) -> None:
    """Give up all others, of the first 32."""
    _libc.prctl(_AMBIENT, _CLEAR_AMBIENT, 0, 0, 0)
    head = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    low = sum(1 << one for one in kept)
    _check(_libc.capset(head, struct.pack("6I", low, low, 0, 0, 0, 0)), "capset")


def drop_bounding_capabilities() -> None:
    """Whatever is executed from now on has none; this process keeps its own."""
    for capability in range(_LAST_CAPABILITY + 1):
        if _libc.prctl(_DROP_BOUND, capability, 0, 0, 0):
            break


def die_with_parent(signum: int) -> None:
    """Get a signal when the parent ends; to be asked again after every change of user."""
    _check(_libc.prctl(_PDEATHSIG, signum, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def set_dumpable(*, dumpable: bool) -> None:
    """Whether processes of the same user may look into this one."""
    _check(_libc.prctl(_SET_DUMPABLE, int(dumpable), 0, 0, 0), "prctl(PR_SET_DUMPABLE)")


def hide_command_line(name: str) -> None:
    """Show this name, and no path, to whoever lists processes."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    begin, end = int(fields[45]), int(fields[46])
    ctypes.memset(begin, 0, end - begin)
    ctypes.memmove(begin, name.encode(), min(len(name), end - begin - 1))
    _libc.prctl(_SET_NAME, name.encode(), 0, 0, 0)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
