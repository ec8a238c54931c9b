"""`/v1/sandboxes`: environments for code that nobody vouches for, of the caller's tenant."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.rest.access import OfTenant, OperatedTenant, ViewedTenant, With
from api.rest.reply import reply
from api.rest.wire.sandbox import (
    ExposureWire,
    JournalWire,
    KeptWire,
    LifetimeWire,
    PortWire,
    SandboxEvents,
    SandboxList,
    SandboxWire,
    SnapshotList,
    SnapshotWire,
    StatusWire,
    events_wire,
    status_wire,
)
from harness.domain.ids import ProjectId
from harness.domain.sandbox import SandboxRef

router = APIRouter(prefix="/v1/sandboxes", tags=["sandboxes"])

IdPath = Annotated[str, Path(pattern=r"^[0-9a-z]{1,40}$")]
MOST_JOURNAL_BYTES = 4 << 20
"""Of one answer; no entry is longer."""
_LOOPBACK = "127.0.0.1"


@router.post("", status_code=201, response_model=StatusWire)
async def create(services: With, tenant: OfTenant, wire: SandboxWire) -> Response:
    """Make a sandbox; it is ended with its lifetime at the latest."""
    boxes = services.sandboxes
    most = await services.read(boxes.quota, tenant)
    door = None
    if wire.door is not None:
        asked = (tenant, ProjectId(wire.door.project), wire.door.agent, wire.door.policy)
        door = await services.threaded(boxes.doors.spec, *asked)
    ref = await boxes.create(wire.spec(tenant), wire.demands, wire.snapshot, wire.tier, most, door)
    return reply(status_wire(await boxes.node.status(ref)), 201)


@router.get("", response_model=SandboxList)
async def list_sandboxes(services: With, tenant: ViewedTenant) -> Response:
    """The tenant's sandboxes that live."""
    found = await services.sandboxes.node.statuses(tenant)
    return reply(SandboxList.model_construct(sandboxes=[status_wire(one) for one in found]))


@router.get("/snapshots", response_model=SnapshotList)
async def list_snapshots(services: With, tenant: ViewedTenant) -> Response:
    """The tenant's snapshots, oldest first."""
    found = await services.sandboxes.node.kept(tenant)
    return reply(
        SnapshotList(snapshots=[KeptWire(snapshot=one.name, bytes=one.bytes) for one in found])
    )


@router.delete("/snapshots/{snapshot}", status_code=204)
async def drop_snapshot(services: With, tenant: OfTenant, snapshot: IdPath) -> Response:
    """Keep a snapshot no longer; nothing happens if there is none."""
    await services.sandboxes.node.drop_snapshot(tenant, snapshot)
    return Response(status_code=204)


@router.get("/{sandbox}", response_model=StatusWire)
async def get(services: With, tenant: ViewedTenant, sandbox: IdPath) -> Response:
    """A sandbox as it stands; also for a while after its end."""
    found = await services.sandboxes.node.status(SandboxRef(tenant, sandbox))
    return reply(status_wire(found))


@router.delete("/{sandbox}", status_code=204)
async def kill(services: With, tenant: OfTenant, sandbox: IdPath) -> Response:
    """End a sandbox with everything in it."""
    await services.sandboxes.node.kill(SandboxRef(tenant, sandbox))
    return Response(status_code=204)


@router.get("/{sandbox}/events", response_model=SandboxEvents)
async def events(
    services: With,
    tenant: ViewedTenant,
    sandbox: IdPath,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Response:
    """What happened to a sandbox; the first says how each control holds."""
    found = await services.sandboxes.node.events(SandboxRef(tenant, sandbox), after)
    return reply(events_wire(found))


@router.get("/{sandbox}/journal", response_model=JournalWire)
async def journal(
    services: With,
    tenant: ViewedTenant,
    sandbox: IdPath,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Response:
    """What passed its way out or was refused, from `next` of an answer before; empty at the end."""
    ref, node = SandboxRef(tenant, sandbox), services.sandboxes.node
    data = await node.journal(ref, after, MOST_JOURNAL_BYTES)
    whole = data[: data.rfind(b"\n") + 1]
    spent = {str(measure): amount for measure, amount in (await node.spent(ref)).items()}
    entries = [json.loads(line) for line in whole.splitlines()]
    return reply(JournalWire.model_construct(entries=entries, next=after + len(whole), spent=spent))


@router.put("/{sandbox}/lifetime", status_code=204)
async def set_timeout(
    services: With, tenant: OfTenant, sandbox: IdPath, wire: LifetimeWire
) -> Response:
    """End it that long from now."""
    await services.sandboxes.set_timeout(SandboxRef(tenant, sandbox), wire.seconds)
    return Response(status_code=204)


@router.post("/{sandbox}/pause", status_code=204)
async def pause(services: With, tenant: OfTenant, sandbox: IdPath) -> Response:
    """Stop everything in it; deadlines go on."""
    await services.sandboxes.node.pause(SandboxRef(tenant, sandbox))
    return Response(status_code=204)


@router.post("/{sandbox}/resume", status_code=204)
async def resume(services: With, tenant: OfTenant, sandbox: IdPath) -> Response:
    """Let it go on."""
    await services.sandboxes.node.resume(SandboxRef(tenant, sandbox))
    return Response(status_code=204)


@router.post("/{sandbox}/snapshots", status_code=201, response_model=SnapshotWire)
async def snapshot(services: With, tenant: OfTenant, sandbox: IdPath) -> Response:
    """Keep its files as they are now, so that others can begin with them."""
    name = await services.sandboxes.node.snapshot(SandboxRef(tenant, sandbox))
    return reply(SnapshotWire(snapshot=name), 201)


@router.post("/{sandbox}/exposures", status_code=201, response_model=ExposureWire)
async def expose(
    services: With, tenant: OperatedTenant, sandbox: IdPath, wire: PortWire
) -> Response:
    """Lead a port of the node's loopback into it, for all who are on that machine; operators."""
    port = await services.sandboxes.node.expose(SandboxRef(tenant, sandbox), wire.port)
    return reply(ExposureWire(host=_LOOPBACK, port=port), 201)
