"""What a sandbox sees as the file system: a read-only tree, and small private volumes on it."""

import contextlib
import os
import sys
from typing import Any

from actors.sandbox.inside import kernel

WORKSPACE = "/workspace"
VOLUMES = (WORKSPACE, "/tmp", "/dev/shm")

_PLACE = "/tmp"
"""Where the new root is mounted for a moment."""
_SYSTEM = ("bin", "sbin", "lib", "lib64", "lib32")
_FROM_ETC = (
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf"),
    *("/etc/fonts", "/etc/mime.types", "/etc/localtime", "/etc/services", "/etc/protocols"),
)
_WRITTEN = {
    "passwd": "agent:x:1000:1000::/workspace:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    "group": "agent:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
}
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_HIDDEN = ("kallsyms", "keys", "key-users", "timer_list", "sched_debug", "kcore", "sysrq-trigger")
_PTS = "ptmxmode=666,mode=600,max=64"
"""All sandboxes together must not take the host's last pseudo-terminal."""
_CLOSED = kernel.RDONLY | kernel.NOSUID | kernel.NODEV
_PRIVATE = kernel.NOSUID | kernel.NODEV


def build(binds: list[dict[str, Any]]) -> None:
    """Make the read-only tree this process's root; needs a mount namespace of its own."""
    kernel.mount("", "/", "", kernel.RECURSIVE | kernel.PRIVATE)
    shown = [("/usr", "/usr", False), (sys.base_prefix, sys.base_prefix, False)]
    shown += [(path, path, False) for path in _FROM_ETC]
    system, links = _system_folders()
    shown += [(path, path, False) for path in system]
    shown += [(one["source"], one["target"], one["writable"]) for one in binds]
    sources = [_opened(source) for source, _, _ in shown]
    devices = [_opened(f"/dev/{name}") for name in _DEVICES]
    proc = os.open("/proc", os.O_PATH)
    kernel.mount("tmpfs", _PLACE, "tmpfs", _PRIVATE, "size=1m,mode=755,nr_inodes=2048")
    for name, target in links.items():
        os.symlink(target, f"{_PLACE}/{name}")
    for handle, (_, target, writable) in zip(sources, shown, strict=True):
        if handle is not None:
            _show(handle, _PLACE + target, writable=writable)
    _write_etc()
    _make_devices(devices)
    for folder in (*VOLUMES, "/proc"):
        os.makedirs(_PLACE + folder, exist_ok=True)
    kernel.mount(f"/proc/self/fd/{proc}", f"{_PLACE}/proc", "", kernel.BIND | kernel.RECURSIVE)
    kernel.make_root(_PLACE)
    kernel.restrict_mount("/", _CLOSED, below=False)
    kernel.restrict_mount("/dev", kernel.RDONLY | kernel.NOSUID, below=False)
    os.close(proc)


def mount_volumes(limits: dict[str, Any]) -> None:
    """Mount what each sandbox has for itself; needs all its namespaces."""
    kernel.mount("proc", "/proc", "proc", _CLOSED | kernel.NOEXEC)
    for name in _HIDDEN:
        if os.path.exists(f"/proc/{name}"):
            kernel.mount("/dev/null", f"/proc/{name}", "", kernel.BIND)
    sizes = (limits["disk_bytes"], limits["disk_bytes"], limits["shm_bytes"])
    for folder, size in zip(VOLUMES, sizes, strict=True):
        mode = "700" if folder == WORKSPACE else "1777"
        options = f"size={size},nr_inodes={limits['inodes']},mode={mode}"
        kernel.mount("tmpfs", folder, "tmpfs", _PRIVATE, options)
    kernel.mount("devpts", "/dev/pts", "devpts", _PRIVATE & ~kernel.NODEV, _PTS)


def full_volumes() -> list[str]:
    """Which have no byte or no inode left."""
    found = [(folder, os.statvfs(folder)) for folder in VOLUMES]
    return [folder for folder, state in found if state.f_bfree == 0 or state.f_ffree == 0]


def _system_folders() -> tuple[list[str], dict[str, str]]:
    """Folders to show, and links to make, as the host has them."""
    folders, links = [], {}
    for name in _SYSTEM:
        if os.path.islink(f"/{name}"):
            links[name] = os.readlink(f"/{name}")
        elif os.path.isdir(f"/{name}"):
            folders.append(f"/{name}")
    return folders, links


def _opened(path: str) -> int | None:
    """A handle that stays valid when the new root covers the path; None where there is none."""
    with contextlib.suppress(FileNotFoundError):
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    return None


def _show(handle: int, target: str, *, writable: bool) -> None:
    source = f"/proc/self/fd/{handle}"
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _touch(target)
    kernel.mount(source, target, "", kernel.BIND | kernel.RECURSIVE)
    kernel.restrict_mount(target, _PRIVATE if writable else _CLOSED)
    os.close(handle)


def _write_etc() -> None:
    for name, text in _WRITTEN.items():
        with open(f"{_PLACE}/etc/{name}", "w") as file:
            file.write(text)


def _make_devices(handles: list[int | None]) -> None:
    dev = f"{_PLACE}/dev"
    os.mkdir(dev)
    kernel.mount("tmpfs", dev, "tmpfs", kernel.NOSUID, "size=64k,mode=755,nr_inodes=64")
    for name, handle in zip(_DEVICES, handles, strict=True):
        if handle is not None:
            _touch(f"{dev}/{name}")
            kernel.mount(f"/proc/self/fd/{handle}", f"{dev}/{name}", "", kernel.BIND)
            os.close(handle)
    for name, target in _LINKS.items():
        os.symlink(target, f"{dev}/{name}")
    os.mkdir(f"{dev}/pts")
    os.symlink("pts/ptmx", f"{dev}/ptmx")


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
