"""Archives of workspaces that their host keeps, so that others can begin where one stood."""

import shutil
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from actors.sandbox.archive import Packed, pack, unpack
from actors.sandbox.files import SandboxFiles
from harness.domain.sandbox import KeptFiles
from harness.errors import NotFound, QuotaExceeded


@dataclass(slots=True)
class Snapshots:
    """Each belongs to a tenant; blocking, so run it in a thread."""

    folder: Path
    most_bytes: int = 4 << 30
    """Of all together."""
    most_of_tenant: int = 1 << 30
    _kept: "OrderedDict[tuple[str, str], int]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        """Whatever a former life left goes first."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def take(self, tenant: str, name: str, files: SandboxFiles) -> Packed:
        """Keep what is in a workspace.

        Raises:
            QuotaExceeded: too much is kept already.
            TooLarge: it is larger than what may still be kept.
        """
        own = sum(size for (whose, _), size in self._kept.items() if whose == tenant)
        room = min(self.most_bytes - sum(self._kept.values()), self.most_of_tenant - own)
        if room <= 0:
            raise QuotaExceeded("Snapshots of sandboxes fill their disk; drop some.")
        path = self.folder / name
        try:
            with path.open("wb") as file:
                packed = pack(files, file, room)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._kept[tenant, name] = path.stat().st_size
        return packed

    def restore(self, tenant: str, name: str, files: SandboxFiles) -> None:
        """Write it into a workspace."""
        if (tenant, name) not in self._kept:
            raise NotFound(f"There is no snapshot {name}.")
        with (self.folder / name).open("rb") as file:
            unpack(files, file)

    def of(self, tenant: str) -> Sequence[KeptFiles]:
        """What is kept of a tenant, oldest first."""
        return [
            KeptFiles(name, size) for (whose, name), size in self._kept.items() if whose == tenant
        ]

    def drop(self, tenant: str, name: str) -> None:
        """Keep it no longer."""
        if self._kept.pop((tenant, name), None) is not None:
            (self.folder / name).unlink(missing_ok=True)
