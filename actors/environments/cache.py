"""Environments of one node: each is built once, kept while it is used, and bounded in bytes."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actors.environments.build import Build, BuildLimits
from actors.environments.folders import Built, EnvironmentFolders, Hold
from actors.environments.interpreter import (
    Interpreter,
    find_interpreter,
    platform_tag,
    uv_version,
)
from actors.environments.recipe import Recipe, read_recipe
from harness.domain.ids import TenantId
from harness.domain.python_environment import LockKind, PythonEnvironment
from harness.errors import Unavailable
from harness.events.facts import (
    Fact,
    PythonEnvironmentAwaited,
    PythonEnvironmentBegun,
    PythonEnvironmentReady,
)

Observe = Callable[[Fact], Awaitable[None]]
LONGEST_PAUSE = 1.0
_OF_OTHERS = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX"}
"""Lead to packages of the caller's machine."""


@dataclass(frozen=True, slots=True)
class HeldEnvironment:
    """An environment that stays where it is until it is released."""

    built: Built
    source: Path | None
    """The project's own source beside its uv.lock, which is not installed."""
    _hold: Hold

    @property
    def python(self) -> str:
        """Its interpreter."""
        return self.built.python

    def activate(self, variables: Mapping[str, str]) -> dict[str, str]:
        """These variables as the environment's activation would leave them."""
        kept = {name: value for name, value in variables.items() if name not in _OF_OTHERS}
        programs = str(self.built.folder / "bin")
        kept["PATH"] = os.pathsep.join([programs, kept.get("PATH", os.defpath)])
        kept["VIRTUAL_ENV"] = str(self.built.folder)
        return kept | ({"PYTHONPATH": str(self.source)} if self.source else {})

    def release(self) -> None:
        """It may be removed from now on."""
        self._hold.release()


@dataclass(frozen=True, slots=True)
class EnvironmentCache:
    """Gives suites their environments."""

    folders: EnvironmentFolders
    index: Mapping[str, str] = field(default_factory=dict)
    limits: BuildLimits = field(default_factory=BuildLimits)
    protected: Path | None = None
    """The platform's own folder, which no build may read."""

    async def hold(
        self, tenant: TenantId, root: Path, wanted: PythonEnvironment, observe: Observe
    ) -> HeldEnvironment:
        """The environment of an unpacked suite, built if this node does not have it.

        Raises:
            InvalidInput: the suite's file is wrong, or what it asks for cannot be installed.
            Unavailable: no index answers, or the build took too much.
        """
        recipe = await asyncio.to_thread(read_recipe, root, wanted)
        interpreter = await find_interpreter(wanted.version)
        key = recipe.key(interpreter.version, platform_tag(), uv_version())
        work = _Work(self, tenant, key, recipe, interpreter, observe)
        hold = await asyncio.to_thread(self.folders.hold, tenant, key)
        try:
            built = await work.take(hold)
        except BaseException:
            hold.release()
            raise
        return HeldEnvironment(built, _source(root, wanted), hold)


@dataclass(frozen=True, slots=True)
class _Work:
    """One run's way to its environment."""

    cache: EnvironmentCache
    tenant: TenantId
    key: str
    recipe: Recipe
    interpreter: Interpreter
    observe: Observe

    async def take(self, hold: Hold) -> Built:
        """The environment, with the hold shared; waits while another run builds it."""
        loop = asyncio.get_running_loop()
        begun, pause, was_built = loop.time(), 0.05, False
        while loop.time() - begun < 2 * self.cache.limits.seconds:
            if hold.share():
                built = self.cache.folders.find(self.tenant, self.key)
                if built:
                    hold.touch()
                    await self._ready(built, loop.time() - begun, was_built=was_built)
                    return built
            if hold.own():
                was_built = await self._build()
                continue
            if pause == 0.05:
                await self.observe(PythonEnvironmentAwaited(self.key, self._file))
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise Unavailable(
            f"Another run builds the packages of {self._file} and does not come to its end. "
            "Cancel it, or submit this run again later."
        )

    @property
    def _file(self) -> str:
        return self.recipe.wanted.requirements

    async def _build(self) -> bool:
        """Build it under an exclusive hold; gives whether that was needed."""
        folders = self.cache.folders
        if folders.find(self.tenant, self.key):
            return False
        python = self.interpreter.version
        await self.observe(PythonEnvironmentBegun(self.key, self._file, python))
        downloads = await asyncio.to_thread(folders.downloads, self.tenant)
        with folders.building(self.tenant, self.key) as folder:
            build = Build(
                recipe=self.recipe,
                interpreter=self.interpreter,
                folder=folder,
                downloads=downloads,
                index=self.cache.index,
                limits=self.cache.limits,
                protected=self.cache.protected,
            )
            made = await build.make()
            await asyncio.to_thread(folders.place, self.tenant, self.key, made)
        return True

    async def _ready(self, built: Built, seconds: float, *, was_built: bool) -> None:
        await self.observe(
            PythonEnvironmentReady(
                key=self.key,
                requirements=self._file,
                python=self.interpreter.version,
                packages=built.packages,
                bytes=built.bytes,
                seconds=round(seconds, 6),
                was_built=was_built,
            )
        )
        if was_built:
            await asyncio.to_thread(self.cache.folders.shrink, self.cache.limits.disk_bytes)


def _source(root: Path, wanted: PythonEnvironment) -> Path | None:
    source = (root / wanted.requirements).parent / "src"
    return source if wanted.kind is LockKind.UV and source.is_dir() else None
