"""Builds one environment with uv in a sandbox: source distributions execute a tenant's code."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from uv import find_uv_bin

from actors.environments.interpreter import Interpreter
from actors.environments.recipe import Recipe
from actors.sandbox.landlock import landlock_abi
from actors.sandbox.process import Ended, ProcessSpec
from actors.sandbox.watched import DiskLimit, run_watched, tail
from actors.sandbox.write_roots import roots_without
from harness.disk import tree_bytes
from harness.domain.python_environment import LockKind
from harness.errors import InvalidInput, StorageFull, Unavailable

T = TypeVar("T")

QUOTED_BYTES = 3000
_SYSTEM = (
    *("/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/sbin", "/usr"),
    "/run/systemd/resolve",  # where /etc/resolv.conf may lead
)
_REFUSED = 1
"""uv's exit code where what is asked for cannot be had; other codes are its own trouble."""


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """What one build may use."""

    seconds: float = 1800.0
    memory_bytes: int = 4 << 30
    disk_bytes: int = 10 << 30
    """Of the environment and of what it downloads."""
    free_bytes: int = 512 << 20
    """What has to stay free on the disk."""


@dataclass(frozen=True, slots=True)
class Build:
    """One build in a folder of its own."""

    recipe: Recipe
    interpreter: Interpreter
    folder: Path
    downloads: Path
    index: Mapping[str, str] = field(default_factory=dict)
    """Variables that say where packages come from; all that passes of the platform's own."""
    limits: BuildLimits = field(default_factory=BuildLimits)
    protected: Path | None = None
    """The platform's own folder, wherever it is."""

    async def make(self) -> Path:
        """The finished environment, still in the build's folder.

        Raises:
            InvalidInput: what the file asks for cannot be installed; quotes uv's last lines.
            Unavailable: no index answers, or the build took too much time or memory.
            StorageFull: it took too much disk.
        """
        made = self.folder / "environment"
        named = await _in_thread(self.recipe.lay_out, self.folder / "source")
        (self.folder / "tmp").mkdir()
        venv = ["venv", "-q", "--relocatable", "--no-project", "--python", self.interpreter.path]
        await self._uv([*venv, str(made)], named.parent)
        await self._uv(_install(self.recipe, named), named.parent)
        _must_have_pytest(made, self.recipe)
        return made

    async def _uv(self, words: Sequence[str], cwd: Path) -> None:
        log = self.folder / "uv.log"
        spec = ProcessSpec(
            argv=[find_uv_bin(), *words],
            cwd=str(cwd),
            env=self._environ(),
            log=str(log),
            write_roots=self._write_roots(),
            read_roots=self._read_roots(),
            memory_bytes=self.limits.memory_bytes,
            deadline_seconds=self.limits.seconds,
        )
        known = await _in_thread(tree_bytes, self.downloads)
        most = self.limits.disk_bytes + known
        limit = DiskLimit([self.folder, self.downloads], most, self.limits.free_bytes)
        self._judge(await run_watched(spec, limit), tail(log, QUOTED_BYTES))

    def _environ(self) -> dict[str, str]:
        home = str(self.folder / "tmp")
        return {
            **self.index,
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": home,
            "TMPDIR": home,
            "VIRTUAL_ENV": str(self.folder / "environment"),
            "UV_CACHE_DIR": str(self.downloads),
            "UV_COMPILE_BYTECODE": "1",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "NO_COLOR": "1",
        }

    def _write_roots(self) -> Sequence[str] | None:
        if landlock_abi() == 0:
            return None
        return [str(self.folder), str(self.downloads), "/dev/null"]

    def _read_roots(self) -> Sequence[str] | None:
        """The system and what builds: not the platform's own folder, nor another tenant's."""
        if landlock_abi() == 0:
            return None
        programs = [str(Path(self.interpreter.path).resolve().parents[1]), find_uv_bin()]
        named = [value.removeprefix("file://") for value in self.index.values()]
        roots = [*_SYSTEM, *programs, *(path for path in named if path.startswith("/"))]
        return roots_without(roots, self.protected) if self.protected else roots

    def _judge(self, ended: Ended, said: str) -> None:
        name = self.recipe.wanted.requirements
        if ended.reason == "exit" and ended.exit_code == 0:
            return
        if ended.reason == "exit" and ended.exit_code == _REFUSED:
            raise InvalidInput(f"The packages of {name} cannot be installed. uv said:\n{said}")
        if ended.reason == "disk":
            limit = self.limits.disk_bytes >> 20
            raise StorageFull(f"Building {name} took more than {limit} MiB or the disk's last.")
        why = {
            "timeout": f"took longer than {self.limits.seconds:g} s",
            "oom": f"took more than {self.limits.memory_bytes >> 20} MiB of memory",
        }.get(ended.reason, f"did not end well ({_how(ended)})")
        raise Unavailable(f"Building the packages of {name} {why}. uv said:\n{said}")


async def _in_thread(call: Callable[[Path], T], path: Path) -> T:
    """The call's value; who is cancelled waits for it, because its folder is removed then."""
    working = asyncio.ensure_future(asyncio.to_thread(call, path))
    try:
        return await asyncio.shield(working)
    finally:
        await asyncio.wait([working])


def _install(recipe: Recipe, named: Path) -> Sequence[str]:
    wanted = recipe.wanted
    if wanted.kind is LockKind.UV:
        options = [word for group in wanted.groups for word in ("--group", group)]
        options += [word for extra in wanted.extras for word in ("--extra", extra)]
        # The suite's own source is not part of what the lock's hash stands for.
        skipped = ["--no-install-project", "--no-install-workspace", "--no-install-local"]
        return ["sync", "-q", "--frozen", "--active", *skipped, *options]
    preview = ["--preview-features", "pylock"] if wanted.kind is LockKind.PYLOCK else []
    return ["pip", "install", "-q", *preview, "-r", named.name]


def _must_have_pytest(environment: Path, recipe: Recipe) -> None:
    found = [
        path.name.split("-")[1].removesuffix(".dist")
        for path in environment.glob("lib/python*/site-packages/pytest-*.dist-info")
    ]
    name = recipe.wanted.requirements
    if not found:
        raise InvalidInput(f"pytest is not among the packages of {name}. Add it: pytest>=7")
    if int(found[0].partition(".")[0]) < 7:
        raise InvalidInput(f"{name} has pytest {found[0]}; version 7 or newer is needed.")


def _how(ended: Ended) -> str:
    if ended.signal:
        return f"signal {ended.signal}"
    return f"exit code {ended.exit_code}" if ended.reason == "exit" else ended.reason
