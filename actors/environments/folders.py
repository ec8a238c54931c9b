"""Where environments lie on one node, who uses them, and which have to go."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.disk import refused, tree_bytes
from harness.domain.ids import TenantId

_MARK = "ath.json"
_BUILDING = ".building"
_DOWNLOADS = ".uv"


@dataclass(frozen=True, slots=True)
class Built:
    """An environment that is complete."""

    folder: Path
    packages: int
    bytes: int

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin" / "python")


class Hold:
    """A file lock that says an environment is in use (shared) or being made (exclusive).

    It ends with its process, so that a killed host holds nothing.
    """

    def __init__(self, path: Path) -> None:
        """Takes nothing yet."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> bool:
        """Use it, unless somebody makes it."""
        return self._take(fcntl.LOCK_SH)

    def own(self) -> bool:
        """Make or remove it, unless somebody else does or uses it."""
        return self._take(fcntl.LOCK_EX)

    def release(self) -> None:
        """Neither use nor make it any more."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def touch(self) -> None:
        """It was used now."""
        os.utime(self._handle)

    def _take(self, kind: int) -> bool:
        try:
            fcntl.flock(self._handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __enter__(self) -> Self:
        """The hold itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release it."""
        self.release()


@dataclass(frozen=True, slots=True)
class Usage:
    """What lies on a node."""

    environments: int
    bytes: int
    """Of environments and of what uv downloaded for them."""


@dataclass(frozen=True, slots=True)
class EnvironmentFolders:
    """The environments of every tenant below one folder.

    An environment appears under its key by one rename, so whatever has that name is complete.
    """

    root: Path

    def prepare(self) -> None:
        """Make the folder; remove what builds that were killed left behind."""
        with refused(f"The folder of environments {self.root}"):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self.root.glob(f"*/{_BUILDING}/*"):
            key = left.name.partition("-")[0]
            with Hold(_lock(left.parent.parent, key)) as hold:
                if hold.own():
                    shutil.rmtree(left, ignore_errors=True)

    def hold(self, tenant: TenantId, key: str) -> Hold:
        """The lock of one environment."""
        folder = self._of(tenant)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Hold(_lock(folder, key))

    def find(self, tenant: TenantId, key: str) -> Built | None:
        """A complete environment."""
        return _read(self._of(tenant) / key)

    def downloads(self, tenant: TenantId) -> Path:
        """Where uv keeps what it downloaded and built for a tenant; nothing is shared."""
        folder = self._of(tenant) / _DOWNLOADS
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @contextlib.contextmanager
    def building(self, tenant: TenantId, key: str) -> Iterator[Path]:
        """A new folder for one build, removed at the end whatever came of it."""
        parent = self._of(tenant) / _BUILDING
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def place(self, tenant: TenantId, key: str, made: Path) -> Built:
        """Give a finished environment its name."""
        packages = len(list(made.glob("lib/python*/site-packages/*.dist-info")))
        mark = {"packages": packages, "bytes": tree_bytes(made)}
        (made / _MARK).write_text(json.dumps(mark))
        place = self._of(tenant) / key
        made.rename(place)
        return Built(place, packages, mark["bytes"])

    def count(self) -> int:
        """How many environments there are."""
        return len(self._environments())

    def usage(self) -> Usage:
        """What all tenants have; takes as long as reading every folder."""
        found = self._environments()
        return Usage(len(found), tree_bytes(self.root) if found else 0)

    def shrink(self, limit: int) -> int:
        """Remove what was used longest ago until all fits; gives how many environments went.

        What is in use stays, even if it is too much. Downloads only go when that is not enough:
        without them the next build takes longer and nothing else changes.
        """
        removed = 0
        for environment in self._environments():
            if tree_bytes(self.root) <= limit:
                return removed
            removed += self._remove(environment)
        if tree_bytes(self.root) > limit:
            self._drop_downloads()
        return removed

    def clear(self) -> int:
        """Remove every environment that is not in use, and all downloads; gives how many."""
        removed = sum(self._remove(environment) for environment in self._environments())
        self._drop_downloads()
        return removed

    def _of(self, tenant: TenantId) -> Path:
        return self.root / tenant

    def _environments(self) -> Sequence[Path]:
        """Least recently used first."""
        found = [mark.parent for mark in self.root.glob(f"[!.]*/[!.]*/{_MARK}")]
        return sorted(found, key=_used_at)

    def _remove(self, environment: Path) -> bool:
        with Hold(_lock(environment.parent, environment.name)) as hold:
            if not hold.own():
                return False
            # Out of its name first: a removal that is interrupted must not look complete.
            parent = environment.parent / _BUILDING
            parent.mkdir(mode=0o700, exist_ok=True)
            away = parent / f"{environment.name}-removed"
            shutil.rmtree(away, ignore_errors=True)
            environment.rename(away)
            shutil.rmtree(away, ignore_errors=True)
        return True

    def _drop_downloads(self) -> None:
        for downloads in self.root.glob(f"[!.]*/{_DOWNLOADS}"):
            if any((downloads.parent / _BUILDING).glob("*")):
                continue  # a build of this tenant is under way
            shutil.rmtree(downloads, ignore_errors=True)


def _lock(tenant: Path, key: str) -> Path:
    return tenant / f".{key}.lock"


def _used_at(environment: Path) -> float:
    try:
        return _lock(environment.parent, environment.name).stat().st_mtime
    except OSError:
        return 0.0


def _read(folder: Path) -> Built | None:
    try:
        mark = json.loads((folder / _MARK).read_text())
        return Built(folder, int(mark["packages"]), int(mark["bytes"]))
    except (OSError, ValueError, KeyError):
        return None
