"""Sandboxes that are there before somebody asks: one template per tenant, a few spares each."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from actors.sandbox.cgroup import GroupRoots
from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.spec import SandboxSpec
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from harness.errors import HarnessError, Unavailable


@dataclass(frozen=True, slots=True)
class WarmLimits:
    """How much may wait for nobody."""

    spares: int = 2
    """Per tenant and kind."""
    templates: int = 16
    """The one that was not used for longest is ended, once no sandbox of it is in use."""


@dataclass(slots=True)
class _Nursery:
    """One template and what it forked."""

    template: Template
    spares: "dict[Hashable, deque[NamespaceSandbox]]" = field(default_factory=dict)
    lent: list[NamespaceSandbox] = field(default_factory=list)

    @property
    def is_idle(self) -> bool:
        self.lent = [one for one in self.lent if not one.has_ended]
        return not self.lent

    async def close(self) -> None:
        for spares in self.spares.values():
            for one in spares:
                await one.close()
        self.template.close()


@dataclass(slots=True)
class WarmPool:
    """Gives each sandbox once: a used one is never given to anybody again."""

    roots: GroupRoots | None
    users: Users
    limits: WarmLimits = WarmLimits()
    _nurseries: "OrderedDict[Hashable, _Nursery]" = field(default_factory=OrderedDict)
    _locks: dict[Hashable, asyncio.Lock] = field(default_factory=dict)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def take(self, spec: SandboxSpec) -> NamespaceSandbox:
        """A sandbox as the spec says, a spare one if there is any.

        Raises:
            TierUnavailable, InvalidInput: see `Template.start`.
            Unavailable: it did not come up.
        """
        nursery = await self._nursery(spec)
        sandbox = _spare(nursery, spec) or await nursery.template.spawn(spec)
        sandbox.assign(spec)
        nursery.lent.append(sandbox)
        self._refill_soon(nursery, spec)
        return sandbox

    async def close(self) -> None:
        """End every template with all its sandboxes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._nurseries:
            await self._nurseries.popitem()[1].close()

    async def _nursery(self, spec: SandboxSpec) -> _Nursery:
        key = (spec.tenant, tuple(spec.binds))
        async with self._locks.setdefault(key, asyncio.Lock()):
            found = self._nurseries.get(key)
            if found is not None and not found.template.is_alive:
                await self._nurseries.pop(key).close()
                found = None
            if found is None:
                await self._make_room()
                template = await Template.start(spec.binds, self.roots, self.users)
                found = self._nurseries[key] = _Nursery(template)
        self._nurseries.move_to_end(key)
        return found

    async def _make_room(self) -> None:
        if len(self._nurseries) < self.limits.templates:
            return
        for key, nursery in self._nurseries.items():
            if nursery.is_idle:
                del self._nurseries[key]
                self._locks.pop(key, None)
                await nursery.close()
                return
        raise Unavailable(
            f"All {self.limits.templates} templates of sandboxes are in use; ask again later."
        )

    def _refill_soon(self, nursery: _Nursery, spec: SandboxSpec) -> None:
        task = asyncio.get_running_loop().create_task(self._refill(nursery, spec))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refill(self, nursery: _Nursery, spec: SandboxSpec) -> None:
        spares = nursery.spares.setdefault(spec.limits, deque())
        with contextlib.suppress(HarnessError):  # the next `take` meets the trouble and tells
            while len(spares) < self.limits.spares and nursery.template.is_alive:
                spares.append(await nursery.template.spawn(spec))


def _spare(nursery: _Nursery, spec: SandboxSpec) -> NamespaceSandbox | None:
    spares = nursery.spares.get(spec.limits, deque())
    while spares:
        found = spares.popleft()
        if not found.has_ended:
            return found
    return None
