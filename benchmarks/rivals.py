"""Other sandboxes around the same interpreter: bubblewrap and runc, where they are installed."""

import json
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_MEMORY_BYTES, _PROCESSES = 512 << 20, 128
"""As a sandbox of ours has by default."""
_LINKS = ("bin", "sbin", "lib", "lib64")


def bwrap(program: str, argv: Sequence[str]) -> list[str]:
    """As much of the same as bubblewrap offers by itself: no filter, no limits."""
    shown = ["--ro-bind", "/usr", "/usr", "--ro-bind", sys.base_prefix, sys.base_prefix]
    for name in _LINKS:
        shown += ["--symlink", f"usr/{name}", f"/{name}"]
    private = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--remount-ro", "/"]
    return [program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
            *shown, *private, *argv]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Runc:
    """A bundle that runs one command: its cgroup limits memory and processes, and has no filter."""

    program: str
    folder: Path

    @classmethod
    def bundle(cls, program: str, folder: Path, argv: Sequence[str]) -> "Runc":
        """Make the bundle in an empty folder."""
        root = folder / "rootfs"
        for name in ("usr", "proc", "dev", "tmp", sys.base_prefix.lstrip("/")):
            (root / name).mkdir(parents=True, exist_ok=True)
        for name in _LINKS:
            (root / name).symlink_to(f"usr/{name}")
        (folder / "config.json").write_text(json.dumps(_config(argv)))
        return cls(program, folder)

    def argv(self) -> list[str]:
        """Creates a container, runs the command in it and removes it."""
        state = str(self.folder / "state")
        return [self.program, "--root", state, "run", "--bundle", str(self.folder),
                f"ath-benchmark-{uuid.uuid4().hex}"]  # fmt: skip


def _config(argv: Sequence[str]) -> dict[str, object]:
    volatile = ["nosuid", "mode=1777", "size=64m"]
    shown = dict.fromkeys(("/usr", sys.base_prefix))
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": list(argv),
            "cwd": "/",
            "env": [],
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "sandbox",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            *(
                {"destination": at, "type": "tmpfs", "source": "tmpfs", "options": volatile}
                for at in ("/dev", "/tmp")
            ),
            *(
                {"destination": at, "type": "bind", "source": at, "options": ["rbind", "ro"]}
                for at in shown
            ),
        ],
        "linux": {
            "namespaces": [
                {"type": each} for each in ("pid", "network", "ipc", "uts", "mount", "cgroup")
            ],
            "resources": {
                "memory": {"limit": _MEMORY_BYTES},
                "pids": {"limit": _PROCESSES},
            },
        },
    }
