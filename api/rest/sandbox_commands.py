"""Commands in a sandbox: to their end, as a stream of their output, or beside others."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.rest.access import OfTenant, With
from api.rest.narration import EVENT_STREAM, NarratedResponse, Narration
from api.rest.reply import reply
from api.rest.sandboxes import IdPath
from api.rest.wire.sandbox import (
    CommandWire,
    ResultWire,
    SignalWire,
    StartedWire,
    WaitWire,
    result_wire,
)
from harness.domain.sandbox import SandboxRef

router = APIRouter(prefix="/v1/sandboxes/{sandbox}", tags=["sandboxes"])

Number = Annotated[int, Path(ge=1, le=2**53)]


@router.post("/exec", response_model=ResultWire, responses={200: {"content": {EVENT_STREAM: {}}}})
async def execute(
    request: Request, services: With, tenant: OfTenant, sandbox: IdPath, wire: CommandWire
) -> Response:
    """Run a command; a timeout is a result, and the sandbox stays usable.

    With `Accept: text/event-stream` its output comes as events `output`, and its result last as
    an event `result`, or an event `problem`. Who goes away meanwhile ends the command.
    """
    ref, command = SandboxRef(tenant, sandbox), wire.command()
    if EVENT_STREAM not in request.headers.get("accept", ""):
        return reply(result_wire(await services.sandboxes.exec(ref, command)))
    items = await services.sandboxes.exec_stream(ref, command)
    narration = Narration(items, services.settings.heartbeat_seconds, services.entropy)
    return NarratedResponse(narration)


@router.post("/commands", status_code=201, response_model=StartedWire)
async def start(services: With, tenant: OfTenant, sandbox: IdPath, wire: CommandWire) -> Response:
    """Start a command that runs beside others, such as a server."""
    number = await services.sandboxes.start(SandboxRef(tenant, sandbox), wire.command())
    return reply(StartedWire(number=number), 201)


@router.post(
    "/commands/{number}/wait",
    response_model=ResultWire,
    responses={202: {"description": "It still runs"}},
)
async def wait(
    services: With, tenant: OfTenant, sandbox: IdPath, number: Number, wire: WaitWire
) -> Response:
    """How a started command ended, told once; 202 when it runs after that long."""
    ref = SandboxRef(tenant, sandbox)
    result = await services.sandboxes.node.wait(ref, number, wire.seconds)
    return Response(status_code=202) if result is None else reply(result_wire(result))


@router.post("/commands/{number}/signal", status_code=204)
async def signal(
    services: With, tenant: OfTenant, sandbox: IdPath, number: Number, wire: SignalWire
) -> Response:
    """Signal a started command's process group."""
    await services.sandboxes.node.signal(SandboxRef(tenant, sandbox), number, wire.signal)
    return Response(status_code=204)


@router.delete("/commands/{number}", status_code=204)
async def end(services: With, tenant: OfTenant, sandbox: IdPath, number: Number) -> Response:
    """Kill a started command with all that it started; its result can still be waited for."""
    await services.sandboxes.node.end(SandboxRef(tenant, sandbox), number)
    return Response(status_code=204)
