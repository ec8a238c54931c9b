"""What gVisor is told about a sandbox: an OCI bundle's configuration and runsc's command line.

Pure values; standard library only.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

WORKSPACE = "/workspace"
PLACE = "/run/ath"
"""Where the programs of a sandbox's frame are, in the tree that its template built."""
RUNSC = f"{PLACE}/runsc"
GUEST = f"{PLACE}/actors/sandbox/inside/guest.py"
FOLDER = "/tmp"
"""Of the bundle, in a volume that the guest's own covers."""
STATE = f"{FOLDER}/state"
ROOT = f"{FOLDER}/root"
"""The tree again: runsc cannot serve what is its own root."""
PIDS = "/sys/fs/cgroup/pids"
"""Of the guest's own kernel."""
USER = 1000
INTERPRETER = os.path.realpath(sys.executable)
"""Found while the host's tree is there: a virtual environment is not shown."""
KEEPERS = 0x01000000
"""Between a guest's user and the one that serves it; see `actors.sandbox.users`."""
_DEVICE_BYTES = 1 << 16


def keeper(user: int) -> int:
    """Who serves the guest of this user, in the host's eyes."""
    return user + KEEPERS


def workspace(limits: Mapping[str, Any]) -> str:
    """Options of the file system that is the workspace, which the host reaches, too."""
    return f"size={limits['disk_bytes']},nr_inodes={limits['inodes']},mode=700"


def volumes(limits: Mapping[str, Any]) -> dict[str, str]:
    """The same of those that the guest's own kernel keeps.

    It wakes nobody who waits for a semaphore in a file of the host's.
    """
    sizes = {"/tmp": limits["disk_bytes"], "/dev/shm": limits["shm_bytes"]}
    return {
        place: f"size={size},nr_inodes={limits['inodes']},mode=1777"
        for place, size in sizes.items()
    }


def command(control: int, inside: int) -> list[str]:
    """How runsc serves the bundle, with a descriptor of the host's under a number inside."""
    return [
        RUNSC,
        f"--root={STATE}",
        "--rootless",  # already root of a user namespace
        "--ignore-cgroups",  # entered already
        "--network=none",
        "--platform=systrap",
        "--overlay2=none",
        "--host-uds=none",
        "--host-fifo=none",
        "run",
        f"--bundle={FOLDER}",
        f"--pass-fd={control}:{inside}",
        "sandbox",
    ]


def config(
    limits: Mapping[str, Any], workspace: str, writable: list[str], control: int
) -> dict[str, Any]:
    """The bundle's `config.json`.

    Args:
        limits: of the sandbox.
        workspace: where that is in the tree of whoever serves the guest.
        writable: binds that the read-only root must not cover.
        control: the number of the control socket inside.
    """
    given = {place: place for place in writable} | {WORKSPACE: workspace}
    first = {"control": control, "processes": limits["processes"], "volumes": volumes(limits)}
    return {
        "ociVersion": "1.1.0",
        "root": {"path": ROOT, "readonly": True},
        "hostname": "sandbox",
        "process": {
            "terminal": False,
            "cwd": "/",
            "args": [INTERPRETER, "-I", "-S", GUEST, json.dumps(first)],
            "env": [],
            "user": {"uid": 0, "gid": 0},
            "noNewPrivileges": True,
            "capabilities": dict.fromkeys(_SETS, _FIRST),
            "rlimits": [
                {"type": f"RLIMIT_{name}", "hard": value, "soft": value}
                for name, value in _rlimits(limits)
            ],
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": _READ_ONLY},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": _UNLISTED},
            {"destination": "/sys", "type": "tmpfs", "source": "tmpfs", "options": _UNLISTED},
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup"},
            *(
                {
                    "destination": place,
                    "type": "bind",
                    "source": source,
                    "options": ["rw", "nosuid", "nodev"],
                }
                for place, source in given.items()
            ),
        ],
        "linux": {"namespaces": [{"type": kind} for kind in _NAMESPACES]},
    }


_SETS = ("bounding", "effective", "permitted")
_READ_ONLY = ["ro", "nosuid", "nodev", "noexec"]
_UNLISTED = ["mode=711", "size=65536", "nosuid", "nodev", "noexec"]
_FIRST = ["CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_SETPCAP", "CAP_SYS_ADMIN"]
"""Of the first process, which begins commands as another user, and ends them; what it needs to
prepare itself alone, it gives up."""
_NAMESPACES = ("pid", "network", "ipc", "uts", "mount")


def _rlimits(limits: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [
        ("CORE", 0),
        ("NPROC", limits["processes"]),
        ("NOFILE", limits["open_files"]),
        ("FSIZE", limits["file_bytes"]),
        ("MSGQUEUE", 0),
        ("RTPRIO", 0),
        ("NICE", 0),
        ("MEMLOCK", 0),
        ("SIGPENDING", 256),
    ]
