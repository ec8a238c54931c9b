"""`/v1/models`: servers that the agents of the caller's tenant may ask."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.rest.access import Caller, With
from api.rest.reply import reply
from api.rest.tenant import TenantOperator
from api.rest.wire.model_server import (
    ModelServerList,
    ModelServerWire,
    PutModelServerWire,
    server_wire,
)

router = APIRouter(prefix="/v1/models", tags=["models"])

_Name = Annotated[str, Path(max_length=63)]


@router.get("", response_model=ModelServerList)
async def list_servers(services: With, by: Caller) -> Response:
    """Every server of the caller's tenant, by name; keys are nowhere in it."""
    found = await services.threaded(services.model_servers.list, by.tenant)
    return reply(ModelServerList.model_construct(servers=[server_wire(each) for each in found]))


@router.put("/{name}", response_model=ModelServerWire)
async def put_server(
    services: With, by: TenantOperator, name: _Name, wire: PutModelServerWire
) -> Response:
    """Configure a server, or replace the one of the same name; local addresses may be meant."""
    stored = await services.threaded(services.model_servers.put, by, wire.server(name))
    return reply(server_wire(stored))


@router.delete("/{name}", status_code=204)
async def remove_server(services: With, by: TenantOperator, name: _Name) -> Response:
    """Forget a server; agents that begin from now on cannot ask it."""
    await services.threaded(services.model_servers.remove, by, name)
    return Response(status_code=204)
