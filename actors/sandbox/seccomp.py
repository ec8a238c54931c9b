"""Filters of system calls: pure bytes until `install`. Standard library only.

A filter names what it refuses. Calls newer than its table get ENOSYS, to which programs have a
fallback; a call of a foreign convention (ia32, x32) ends the process.
"""

import ctypes
import errno
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from actors.sandbox.syscalls import NEWEST, Architecture

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER, _ARCH, _FIRST, _SECOND = 0, 4, 16, 24
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

_Only: TypeAlias = Mapping[str, Sequence[Sequence[int]]]

_KERNEL = (
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd",
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
    "open_by_handle_at", "fanotify_init", "fanotify_mark", "quotactl", "quotactl_fd",
    "swapon", "swapoff", "reboot", "acct", "settimeofday", "clock_settime", "iopl", "ioperm",
    "syslog", "vhangup", "lookup_dcookie", "nfsservctl", "uselib", "ustat", "sysfs", "_sysctl",
    "memfd_secret", "vmsplice",
)  # fmt: skip
"""What reaches into the kernel or the whole machine."""
_WORLD = (
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "fsopen", "fsconfig",
    "fsmount", "fspick", "open_tree", "move_mount", "mount_setattr", "sethostname",
    "setdomainname", "name_to_handle_at",
)  # fmt: skip
"""What would change the world that a sandbox sees."""
_OTHERS = (
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd",
    "process_madvise", "process_mrelease", "migrate_pages", "move_pages", "mbind",
    "set_mempolicy", "set_mempolicy_home_node", "modify_ldt",
)  # fmt: skip
"""What works on other processes, or has no use but in attacks."""
_SHARED = (
    "shmget", "shmat", "shmctl", "semget", "semop", "semctl", "semtimedop",
    "msgget", "msgsnd", "msgrcv", "msgctl",
    "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr",
)  # fmt: skip
"""What everybody of one user shares by key or name where no namespace parts them."""
_OWN_LIMITS: _Only = {"prlimit64": ((0,),)}
_OWN_TURN: _Only = {
    **dict.fromkeys(("sched_setscheduler", "sched_setparam", "sched_setattr"), ((0,),)),
    "sched_setaffinity": ((0,),),
    "setpriority": ((0,), (0,)),
    "ioprio_set": ((1,), (0,)),
}
"""Where processes of the host have the same user, nobody's turn is changed but one's own."""
_PERSONALITIES: _Only = {"personality": ((0, 8, 0x20000, 0x20008, 0xFFFFFFFF),)}
"""Linux, of 32 bits or with an old version's name; none that makes memory executable."""
_UNSEEN = ("io_uring_setup", "io_uring_enter", "io_uring_register", "statmount", "listmount")
"""Answered like an older kernel: everybody who uses them can do without."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a process tree may not ask of the kernel."""

    refused: Sequence[str] = ()
    """Calls that fail with EPERM."""
    missing: Sequence[str] = ()
    """Calls that fail with ENOSYS."""
    families: Sequence[int] = ()
    """Kinds of sockets that may be made."""
    only: _Only = field(default_factory=dict)
    """The values that a call's first arguments may have; with others it fails with EPERM."""
    namespaces: bool = False
    """Whether new namespaces may be made."""
    terminal_input: bool = False
    """Whether input may be faked on a terminal."""


NAMESPACE = Filter(
    refused=_KERNEL + _WORLD + _OTHERS,
    missing=(*_UNSEEN, "clone3"),  # clone3 hides its flags behind a pointer
    families=(AF_UNIX, AF_INET, AF_INET6),
    only={**_OWN_LIMITS, **_PERSONALITIES},
)
"""Within namespaces: sockets of every family it leaves reach nothing outside."""
STRICT = Filter(
    refused=(*NAMESPACE.refused, *_SHARED),
    missing=NAMESPACE.missing,
    families=(),
    only={**_OWN_LIMITS, **_OWN_TURN, **_PERSONALITIES},
)
"""Without namespaces, for code that nobody vouches for: no socket but pairs."""
SUITE = Filter(
    refused=_KERNEL,
    missing=_UNSEEN,
    families=(AF_UNIX, AF_INET, AF_INET6, AF_NETLINK),
    namespaces=True,
    terminal_input=True,
)
"""For unmodified suites on their user's machine: what no test needs."""


def assemble(wanted: Filter, arch: Architecture) -> bytes:
    """The program as the kernel takes it: eight bytes an instruction."""
    return b"".join(struct.pack("<HBBI", *one) for one in _program(wanted, arch))


def install(program: bytes) -> None:
    """Filter this process and its children for good; needs `no_new_privileges` first.

    Raises:
        OSError: this kernel does not filter.
    """
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.create_string_buffer(head), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")


_Step = tuple[int, int, int, int]
"""Operation, steps to skip if true, if false, operand."""


def _program(wanted: Filter, arch: Architecture) -> Iterator[_Step]:
    yield from _known_convention(arch)
    yield from _when(_AT_LEAST, NEWEST + 1, _fail(errno.ENOSYS))
    for name in wanted.missing:
        yield from _on_call(arch, name, _fail(errno.ENOSYS))
    for name in wanted.refused:
        yield from _on_call(arch, name, _fail(errno.EPERM))
    for name, values in wanted.only.items():
        if name in arch.numbers:
            yield from _on_call_with(arch, name, values)
    if not wanted.namespaces:
        test = _when(_ANY_BIT, _NEW_NAMESPACES, _fail(errno.EPERM))
        yield from _on_argument(arch, "clone", _FIRST, [*test, _return(ALLOW)])
    if not wanted.terminal_input:
        tests = [*_when(_EQUAL, _TIOCSTI, _fail(errno.EPERM))]
        tests += _when(_EQUAL, _TIOCLINUX, _fail(errno.EPERM))
        yield from _on_argument(arch, "ioctl", _SECOND, [*tests, _return(ALLOW)])
    families = [step for one in wanted.families for step in _when(_EQUAL, one, _return(ALLOW))]
    refusal = _fail(errno.EAFNOSUPPORT)
    yield from _on_argument(arch, "socket", _FIRST, [*families, refusal])
    yield _return(ALLOW)


def _known_convention(arch: Architecture) -> Iterator[_Step]:
    yield (_LOAD, 0, 0, _ARCH)
    yield (_EQUAL, 1, 0, arch.audit)
    yield _return(_KILL)
    yield (_LOAD, 0, 0, _NUMBER)
    if arch.foreign_bit:
        yield from _when(_AT_LEAST, arch.foreign_bit, _return(_KILL))


def _on_call(arch: Architecture, name: str, then: _Step) -> Iterator[_Step]:
    if name in arch.numbers:
        yield from _when(_EQUAL, arch.numbers[name], then)


def _on_call_with(
    arch: Architecture, name: str, values: Sequence[Sequence[int]]
) -> Iterator[_Step]:
    """Allow these values of each of its first arguments, by their low words."""
    body: list[_Step] = []
    for place, allowed in enumerate(values):
        body.append((_LOAD, 0, 0, _FIRST + 8 * place))
        body += [(_EQUAL, len(allowed) - at, 0, one) for at, one in enumerate(allowed)]
        body.append(_fail(errno.EPERM))
    body.append(_return(ALLOW))
    yield (_EQUAL, 0, len(body), arch.numbers[name])
    yield from body


def _on_argument(
    arch: Architecture, name: str, offset: int, body: Sequence[_Step]
) -> Iterator[_Step]:
    """Judge by the low word of an argument; the body must end every path."""
    yield (_EQUAL, 0, len(body) + 1, arch.numbers[name])
    yield (_LOAD, 0, 0, offset)
    yield from body


def _when(test: int, operand: int, then: _Step) -> Iterator[_Step]:
    yield (test, 0, 1, operand)
    yield then


def _return(value: int) -> _Step:
    return (_RETURN, 0, 0, value)


def _fail(number: int) -> _Step:
    return _return(_ERRNO | number)
