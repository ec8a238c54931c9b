"""Sandboxes for tenants: what they may ask for, before a node is asked."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

from harness.domain.door_spec import DoorSpec
from harness.domain.ids import TenantId
from harness.domain.quota import QuotaName
from harness.domain.sandbox import Chunk, Command, ExecResult, SandboxRef, SandboxSpec
from harness.domain.sandbox_bounds import SandboxBounds
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.ports.sandboxes import SandboxNode
from harness.services.quotas import Quotas
from harness.services.sandbox_doors import SandboxDoors


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """What can be asked without a bound is asked of the node itself."""

    node: SandboxNode
    quotas: Quotas
    doors: SandboxDoors
    bounds: SandboxBounds = field(default_factory=SandboxBounds)

    def quota(self, tenant: TenantId) -> int | None:
        """How many sandboxes a tenant may have; None leaves that to the node. Blocking."""
        return self.quotas.capacity(tenant, QuotaName.SANDBOXES)

    async def create(
        self,
        spec: SandboxSpec,
        demands: Mapping[Control, Hold],
        snapshot: str | None,
        tier: Tier,
        most: int | None,
        door: DoorSpec | None = None,
    ) -> SandboxRef:
        """See `SandboxNode.create`; InvalidInput for more than may be asked for.

        Without a door there is no way out of it.
        """
        self.bounds.admit(spec)
        ref = await self.node.create(spec, demands, snapshot, tier, most)
        if door is not None:
            try:
                await self.node.open_door(ref, door)
            except BaseException:
                await self.node.kill(ref)
                raise
        return ref

    async def exec(self, ref: SandboxRef, command: Command) -> ExecResult:
        """See `SandboxNode.exec`; InvalidInput for more than may be asked for."""
        self.bounds.allow(command)
        return await self.node.exec(ref, command)

    async def exec_stream(
        self, ref: SandboxRef, command: Command
    ) -> AsyncGenerator[Chunk | ExecResult, None]:
        """See `SandboxNode.exec_stream`.

        Raises:
            InvalidInput, NotFound: at once, not with the first piece of output.
        """
        self.bounds.allow(command)
        await self.node.status(ref)
        return self.node.exec_stream(ref, command)

    async def start(self, ref: SandboxRef, command: Command) -> int:
        """See `SandboxNode.start`; InvalidInput for more than may be asked for."""
        self.bounds.allow(command)
        return await self.node.start(ref, command)

    async def set_timeout(self, ref: SandboxRef, seconds: float) -> None:
        """See `SandboxNode.set_timeout`; InvalidInput for longer than may be."""
        self.bounds.admit_lifetime(seconds)
        await self.node.set_timeout(ref, seconds)
