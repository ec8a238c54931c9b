"""A sandboxed command that is ended when it takes too much disk."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.sandbox.process import Ended, ProcessSandbox, ProcessSpec
from harness.disk import tree_bytes

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class DiskLimit:
    """How much some folders may take together."""

    folders: Sequence[Path]
    bytes: int
    free_bytes: int = 512 << 20
    """What has to stay free on their disk."""

    def is_exceeded(self) -> bool:
        """Whether they take more, or the disk's last; as slow as reading them."""
        if shutil.disk_usage(self.folders[0]).free < self.free_bytes:
            return True
        return sum(map(tree_bytes, self.folders)) > self.bytes


async def run_watched(spec: ProcessSpec, limit: DiskLimit) -> Ended:
    """Run a command to its end, which is for the reason `disk` when it takes too much.

    Cancelling it leaves no process.
    """
    sandbox = await ProcessSandbox.start(spec)
    ending = asyncio.create_task(sandbox.wait())
    try:
        while not (await asyncio.wait([ending], timeout=LOOK_SECONDS))[0]:
            if await asyncio.to_thread(limit.is_exceeded):
                sandbox.kill("disk")
        return await ending
    finally:
        ending.cancel()
        await sandbox.close()


def tail(log: Path, size: int) -> str:
    """The last that a command said."""
    try:
        said = log.read_bytes()[-size:].decode(errors="replace").strip()
    except FileNotFoundError:
        return "(nothing)"
    return said or "(nothing)"
