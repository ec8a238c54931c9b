"""How much memory a gVisor guest has: what its kernel keeps for it, and its workspace."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from actors.sandbox.watchdog import tree

KEPT = "/memfd:runsc-memory"
_BLOCK = 512


@dataclass(slots=True)
class GuestMemory:
    """Looks from outside, at what the guest cannot hide."""

    _workspace: int
    """A descriptor of it."""
    _kept: Path | None = None

    def measure(self, root: int) -> int:
        """Bytes of the guest below that process of the host's."""
        if self._kept is None:
            self._kept = next(filter(None, map(_kept_by, tree(root))), None)
        found = 0
        if self._kept is not None:
            with contextlib.suppress(OSError):
                found += self._kept.stat().st_blocks * _BLOCK
        with contextlib.suppress(OSError):
            state = os.fstatvfs(self._workspace)
            found += (state.f_blocks - state.f_bfree) * state.f_frsize
        return found


def _kept_by(pid: int) -> Path | None:
    """The file of the guest's memory, if that process has it."""
    with contextlib.suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            if str(path.readlink()).startswith(KEPT):
                return path
    return None
