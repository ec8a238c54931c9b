"""From a fork of the template to the confined first process of a sandbox."""

import array
import fcntl
import os
import resource
import signal
import socket
import struct
from typing import Any

from actors.sandbox import landlock, seccomp, syscalls
from actors.sandbox.inside import kernel, tree

USER = 1000
"""Who everything inside runs as, as seen from inside."""
_ALL = (
    kernel.NEWUSER | kernel.NEWPID | kernel.NEWNET | kernel.NEWNS
    | kernel.NEWIPC | kernel.NEWUTS | kernel.NEWCGROUP
)  # fmt: skip
_ARCH = syscalls.this_architecture()
_FILTER = seccomp.assemble(seccomp.NAMESPACE, _ARCH) if _ARCH else None
"""Assembled once in the template, not in each sandbox."""
_SIOCSIFFLAGS, _IFF_UP, _IFF_RUNNING = 0x8914, 0x1, 0x40


def enter_groups(descriptors: list[int]) -> None:
    """Move into cgroups by their open `tasks` or `cgroup.procs` files."""
    for one in descriptors:
        os.write(one, b"0")
        os.close(one)


def become(user: int | None) -> None:
    """Turn into a user of the host's that nobody else is; None stays who started the template."""
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        # A change of user makes the maps of the coming user namespace root's.
        kernel.set_dumpable(dumpable=True)
    kernel.die_with_parent(signal.SIGKILL)


def separate() -> None:
    """Leave every namespace of the host; the next fork is the first process of the new ones."""
    user, group = os.getuid(), os.getgid()
    kernel.unshare(_ALL)
    map_user(USER, user, USER, group)


def map_user(inside: int, outside: int, group: int, outside_group: int) -> None:
    """Say who this process's user is within its new user namespace."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {outside} 1"),
        ("gid_map", f"{group} {outside_group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def confine(limits: dict[str, Any], writable: list[str]) -> None:
    """Give up, for good and for all children, whatever a sandbox does not have."""
    tree.mount_volumes(limits)
    kernel.set_hostname("sandbox")
    _raise_loopback()
    kernel.drop_capabilities()
    landlock.no_new_privileges()
    _limit(limits)
    if landlock.landlock_abi():
        landlock.confine([*tree.VOLUMES, "/dev", *writable], ["/"], alone=True)
    if _FILTER is None:
        raise OSError(f"no table of system calls for {os.uname().machine}")
    seccomp.install(_FILTER)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", _IFF_UP | _IFF_RUNNING)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, array.array("B", request))


def _limit(limits: dict[str, Any]) -> None:
    """Set here, inside, they count this sandbox alone."""
    for name, value in (
        ("RLIMIT_CORE", 1),  # 0 would still feed a handler of the host's; 1 is nothing to anybody
        ("RLIMIT_NPROC", limits["processes"]),
        ("RLIMIT_NOFILE", limits["open_files"]),
        ("RLIMIT_FSIZE", limits["file_bytes"]),
        ("RLIMIT_MSGQUEUE", 0),
        ("RLIMIT_RTPRIO", 0),
        ("RLIMIT_NICE", 0),
        ("RLIMIT_MEMLOCK", 0),
        ("RLIMIT_SIGPENDING", 256),
    ):
        resource.setrlimit(getattr(resource, name), (value, value))
