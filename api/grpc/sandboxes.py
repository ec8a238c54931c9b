"""The methods of `ath.v1.Sandboxes`; each is given the tenant of the client's certificate."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from api.grpc.generated.ath.v1 import sandbox_pb2 as wire
from api.grpc.messages import (
    command_of,
    demands_of,
    entry_message,
    event_message,
    output_message,
    result_message,
    snapshot_message,
    spec_of,
    status_message,
    tier_of,
)
from harness.domain.door_spec import DoorSpec
from harness.domain.ids import ProjectId, TenantId
from harness.domain.policy_version import MOST_TEXT
from harness.domain.sandbox import SandboxRef
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import InvalidInput, TooLarge
from harness.services.sandboxes import Sandboxes

MOST_JOURNAL_BYTES = 4 << 20
MOST_NAME = 120
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SandboxesService:
    """What the HTTP routes do, with the same bounds."""

    sandboxes: Sandboxes
    file_bytes: int = 8 << 20
    """Fewer than over HTTP, because a message is whole before anybody counts its tenant's."""

    async def create(self, tenant: TenantId, asked: wire.CreateRequest) -> wire.Sandbox:
        """Make a sandbox."""
        spec, demands, tier = spec_of(tenant, asked), demands_of(asked), tier_of(asked)
        snapshot = asked.snapshot if asked.HasField("snapshot") else None
        most = await asyncio.to_thread(self.sandboxes.quota, tenant)
        door = await self._door(tenant, asked.door) if asked.HasField("door") else None
        ref = await self.sandboxes.create(spec, demands, snapshot, tier, most, door)
        return status_message(await self.sandboxes.node.status(ref))

    async def list(self, tenant: TenantId, _: wire.Nothing) -> wire.SandboxList:
        """The tenant's sandboxes that live."""
        found = await self.sandboxes.node.statuses(tenant)
        return wire.SandboxList(sandboxes=[status_message(one) for one in found])

    async def get(self, tenant: TenantId, asked: wire.SandboxId) -> wire.Sandbox:
        """A sandbox as it stands."""
        return status_message(await self.sandboxes.node.status(SandboxRef(tenant, asked.id)))

    async def kill(self, tenant: TenantId, asked: wire.SandboxId) -> wire.Nothing:
        """End it."""
        await self.sandboxes.node.kill(SandboxRef(tenant, asked.id))
        return wire.Nothing()

    async def pause(self, tenant: TenantId, asked: wire.SandboxId) -> wire.Nothing:
        """Stop everything in it."""
        await self.sandboxes.node.pause(SandboxRef(tenant, asked.id))
        return wire.Nothing()

    async def resume(self, tenant: TenantId, asked: wire.SandboxId) -> wire.Nothing:
        """Let it go on."""
        await self.sandboxes.node.resume(SandboxRef(tenant, asked.id))
        return wire.Nothing()

    async def set_timeout(self, tenant: TenantId, asked: wire.TimeoutRequest) -> wire.Nothing:
        """End it that long from now."""
        await self.sandboxes.set_timeout(SandboxRef(tenant, asked.id), asked.seconds)
        return wire.Nothing()

    async def events(self, tenant: TenantId, asked: wire.EventsRequest) -> wire.EventList:
        """What happened to it."""
        found = await self.sandboxes.node.events(SandboxRef(tenant, asked.id), asked.after)
        return wire.EventList(events=[event_message(one) for one in found])

    async def read_journal(self, tenant: TenantId, asked: wire.JournalRequest) -> wire.Journal:
        """What passed its way out or was refused."""
        if asked.after < 0:
            raise InvalidInput("after is where an answer before ended, 0 at first.")
        ref, node = SandboxRef(tenant, asked.id), self.sandboxes.node
        data = await node.journal(ref, asked.after, MOST_JOURNAL_BYTES)
        whole = data[: data.rfind(b"\n") + 1]
        spent = {str(measure): amount for measure, amount in (await node.spent(ref)).items()}
        return wire.Journal(lines=whole, next=asked.after + len(whole), spent=spent)

    async def exec(self, tenant: TenantId, asked: wire.ExecRequest) -> wire.Result:
        """Run a command to its end."""
        ref = SandboxRef(tenant, asked.id)
        return result_message(await self.sandboxes.exec(ref, command_of(asked.command)))

    async def exec_stream(
        self, tenant: TenantId, asked: wire.ExecRequest
    ) -> AsyncGenerator[wire.Output, None]:
        """Its output as it comes, and its result last."""
        ref = SandboxRef(tenant, asked.id)
        items = await self.sandboxes.exec_stream(ref, command_of(asked.command))
        async with aclosing(items):
            async for item in items:
                yield output_message(item)

    async def start(self, tenant: TenantId, asked: wire.ExecRequest) -> wire.CommandId:
        """Start a command beside others."""
        ref = SandboxRef(tenant, asked.id)
        number = await self.sandboxes.start(ref, command_of(asked.command))
        return wire.CommandId(id=asked.id, number=number)

    async def wait(self, tenant: TenantId, asked: wire.WaitRequest) -> wire.Waited:
        """How a started command ended."""
        if not 0 <= asked.seconds <= LONGEST_WAIT_SECONDS:
            raise InvalidInput(f"seconds has to be from 0 to {LONGEST_WAIT_SECONDS:g}.")
        ref = SandboxRef(tenant, asked.id)
        result = await self.sandboxes.node.wait(ref, asked.number, asked.seconds)
        return wire.Waited(result=None if result is None else result_message(result))

    async def signal(self, tenant: TenantId, asked: wire.SignalRequest) -> wire.Nothing:
        """Signal a started command."""
        if not 1 <= asked.signal <= 64:
            raise InvalidInput("signal has to be from 1 to 64.")
        ref = SandboxRef(tenant, asked.id)
        await self.sandboxes.node.signal(ref, asked.number, asked.signal)
        return wire.Nothing()

    async def end(self, tenant: TenantId, asked: wire.CommandId) -> wire.Nothing:
        """Kill a started command."""
        await self.sandboxes.node.end(SandboxRef(tenant, asked.id), asked.number)
        return wire.Nothing()

    async def read(self, tenant: TenantId, asked: wire.PathRequest) -> wire.Content:
        """What a file holds."""
        ref = SandboxRef(tenant, asked.id)
        return wire.Content(data=await self.sandboxes.node.read(ref, asked.path, self.file_bytes))

    async def write(self, tenant: TenantId, asked: wire.WriteRequest) -> wire.Nothing:
        """Make or replace a file."""
        if len(asked.data) > self.file_bytes:
            raise TooLarge(f"The file is larger than {self.file_bytes} bytes. Send it in parts.")
        mode = asked.mode if asked.HasField("mode") else 0o644
        if mode > 0o777:
            raise InvalidInput("mode has to be from 0 to 0777.")
        await self.sandboxes.node.write(SandboxRef(tenant, asked.id), asked.path, asked.data, mode)
        return wire.Nothing()

    async def entries(self, tenant: TenantId, asked: wire.PathRequest) -> wire.Folder:
        """What is in a folder."""
        found = await self.sandboxes.node.entries(SandboxRef(tenant, asked.id), asked.path or ".")
        return wire.Folder(entries=[entry_message(one) for one in found])

    async def make_folder(self, tenant: TenantId, asked: wire.PathRequest) -> wire.Nothing:
        """Make a folder and those above it."""
        await self.sandboxes.node.make_folder(SandboxRef(tenant, asked.id), asked.path)
        return wire.Nothing()

    async def remove(self, tenant: TenantId, asked: wire.PathRequest) -> wire.Nothing:
        """Remove a file, a link or an empty folder."""
        await self.sandboxes.node.remove(SandboxRef(tenant, asked.id), asked.path)
        return wire.Nothing()

    async def take_snapshot(self, tenant: TenantId, asked: wire.SandboxId) -> wire.Snapshot:
        """Keep its files as they are now."""
        name = await self.sandboxes.node.snapshot(SandboxRef(tenant, asked.id))
        return wire.Snapshot(name=name)

    async def list_snapshots(self, tenant: TenantId, _: wire.Nothing) -> wire.SnapshotList:
        """The tenant's snapshots."""
        found = await self.sandboxes.node.kept(tenant)
        return wire.SnapshotList(snapshots=[snapshot_message(one) for one in found])

    async def drop_snapshot(self, tenant: TenantId, asked: wire.Snapshot) -> wire.Nothing:
        """Keep it no longer."""
        await self.sandboxes.node.drop_snapshot(tenant, asked.name)
        return wire.Nothing()

    async def _door(self, tenant: TenantId, asked: wire.Door) -> DoorSpec:
        project = asked.project if asked.HasField("project") else DEFAULT_SCOPE.project
        policy = asked.policy if asked.HasField("policy") else None
        if len(asked.agent) > MOST_NAME or len(policy or "") > MOST_TEXT:
            raise InvalidInput("The agent's name or the policy of the door is too long.")
        spec = self.sandboxes.doors.spec
        return await asyncio.to_thread(spec, tenant, ProjectId(project), asked.agent, policy)
