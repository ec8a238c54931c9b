"""Landlock: which files a process tree may change, enforced by the kernel. Standard library only.

Reading stays as it is unless readable roots are given, so two short lists are the whole policy.
"""

import ctypes
import os
import struct
from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""The same numbers on x86-64 and arm64."""
_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE = 1 << 1
_CHANGES = sum(1 << bit for bit in (4, 5, 6, 7, 8, 9, 10, 11, 12))
"""Remove and make everything."""
_REFER = 1 << 13
"""From ABI 2."""
_TRUNCATE = 1 << 14
"""From ABI 3."""
_READ_FILE = 1 << 2
_READ_FOLDER = 1 << 3
_READS = _READ_FILE | _READ_FOLDER
_EXECUTE = 1 << 0
_DEVICES = 1 << 15
"""From ABI 5."""
_ON_FILES = _WRITE_FILE | _TRUNCATE | _READ_FILE | _EXECUTE | _DEVICES
_SCOPES = 3
"""Abstract Unix sockets and signals, from ABI 6."""

_libc = ctypes.CDLL(None, use_errno=True)


def landlock_abi() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    found: int = _libc.syscall(_CREATE, None, 0, _VERSION)
    return max(found, 0)


def no_new_privileges() -> None:
    """Neither this process nor its children can gain privileges by executing files."""
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")


def confine(
    writable: Iterable[str], readable: Iterable[str] | None = None, *, alone: bool = False
) -> None:
    """Restrict this process and its children; needs `no_new_privileges` first.

    Without `readable` everything may be read; what may be written may always be read. `alone` is
    for code that nobody vouches for: it executes only what it may read, controls no device
    outside of `writable`, and keeps signals and abstract sockets to itself, as far as the kernel
    knows these rights.
    """
    abi = landlock_abi()
    reads = _READS | (_EXECUTE if alone else 0)
    handled = _changing(abi) | (0 if readable is None else reads)
    if alone and abi >= 5:
        handled |= _DEVICES
    asked = struct.pack("Q", handled)
    if alone and abi >= 6:
        asked = struct.pack("QQQ", handled, 0, _SCOPES)
    rules = _checked(_libc.syscall(_CREATE, asked, len(asked), 0), "create")
    try:
        for root in writable:
            _allow(rules, root, handled)
        for root in readable or ():
            _allow(rules, root, reads & handled)
        _checked(_libc.syscall(_RESTRICT, rules, 0), "restrict")
    finally:
        os.close(rules)


def _changing(abi: int) -> int:
    rights = _WRITE_FILE | _CHANGES
    if abi >= 2:
        rights |= _REFER
    if abi >= 3:
        rights |= _TRUNCATE
    return rights


def _allow(rules: int, root: str, allowed: int) -> None:
    try:
        handle = os.open(root, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = allowed if os.path.isdir(root) else allowed & _ON_FILES
        rule = struct.pack("=Qi", rights, handle)
        _checked(_libc.syscall(_ADD, rules, _PATH_BENEATH, rule, 0), "allow " + root)
    finally:
        os.close(handle)


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "landlock: " + what)
    return result
