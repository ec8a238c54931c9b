"""Sandboxes that are there before somebody asks: one template per tenant, a few spares each."""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from actors.sandbox.cgroup import GroupRoots
from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.template import Template, TemplateKind
from actors.sandbox.users import Users
from harness.domain.sandbox import Bind, Limits, SandboxSpec
from harness.errors import HarnessError, Unavailable


@dataclass(frozen=True, slots=True)
class WarmLimits:
    """How much may wait for nobody."""

    spares: int = 2
    """Per template, with the limits that were asked for last."""
    templates: int = 16
    """The one that was not used for longest is ended, once no sandbox of it is in use."""


_Key = tuple[str, tuple[Bind, ...]]
"""A tenant and what its sandboxes see of the host."""


@dataclass(slots=True)
class _Nursery:
    """One template and what it forked."""

    template: Template
    spares: "deque[NamespaceSandbox]" = field(default_factory=deque)
    """All with the limits that were asked for last."""
    lent: list[NamespaceSandbox] = field(default_factory=list)
    is_refilling: bool = False

    @property
    def is_idle(self) -> bool:
        self.lent = [one for one in self.lent if not one.has_ended]
        return not self.lent

    def spare(self, limits: Limits) -> NamespaceSandbox | None:
        """One that lives and has these limits; others make room."""
        while self.spares:
            found = self.spares.popleft()
            if not found.has_ended and found.spec.limits == limits:
                return found
            found.kill()
        return None

    async def close(self) -> None:
        while self.spares:
            await self.spares.popleft().close()
        self.template.close()


@dataclass(slots=True)
class WarmPool:
    """Gives each sandbox once: a used one is never given to anybody again."""

    roots: GroupRoots | None
    users: Users
    limits: WarmLimits = WarmLimits()
    kind: TemplateKind | None = None
    """Of what tier; the namespace tier if none is named."""
    _nurseries: "OrderedDict[_Key, _Nursery]" = field(default_factory=OrderedDict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def take(self, spec: SandboxSpec) -> NamespaceSandbox:
        """A sandbox as the spec says, a spare one if there is any.

        Raises:
            TierUnavailable, InvalidInput: see `Template.start`.
            Unavailable: it did not come up.
        """
        nursery = await self._nursery(spec)
        sandbox = nursery.spare(spec.limits) or await nursery.template.spawn(spec)
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
        async with self._opening:
            found = self._nurseries.get(key)
            if found is not None and not found.template.is_alive:
                await self._nurseries.pop(key).close()
                found = None
            if found is None:
                await self._make_room()
                template = await Template.start(spec.binds, self.roots, self.users, self.kind)
                found = self._nurseries[key] = _Nursery(template)
        self._nurseries.move_to_end(key)
        return found

    async def _make_room(self) -> None:
        if len(self._nurseries) < self.limits.templates:
            return
        for key, nursery in self._nurseries.items():
            if nursery.is_idle:
                del self._nurseries[key]
                await nursery.close()
                return
        raise Unavailable(
            f"All {self.limits.templates} templates of sandboxes are in use; ask again later."
        )

    def _refill_soon(self, nursery: _Nursery, spec: SandboxSpec) -> None:
        if nursery.is_refilling:
            return
        nursery.is_refilling = True
        task = asyncio.get_running_loop().create_task(self._refill(nursery, spec))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refill(self, nursery: _Nursery, spec: SandboxSpec) -> None:
        try:
            while len(nursery.spares) < self.limits.spares and nursery.template.is_alive:
                nursery.spares.append(await nursery.template.spawn(spec))
        except HarnessError:
            return  # the next `take` meets the trouble and tells
        finally:
            nursery.is_refilling = False
