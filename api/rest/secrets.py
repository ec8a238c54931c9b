"""`/v1/projects/{project}/secrets`: set, list, delete; nobody reads a value here."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.rest.access import Caller, Changed, Operated, With
from api.rest.reply import reply
from api.rest.wire.secret import SecretPage, ValueWire, secret_wire

router = APIRouter(prefix="/v1/projects/{project}/secrets", tags=["secrets"])

_Name = Annotated[str, Path(max_length=128)]


@router.get("", response_model=SecretPage)
async def list_secrets(services: With, scope: Changed) -> Response:
    """Names of the project's secrets, and who set them when."""
    found = await services.threaded(services.secrets.names, scope)
    page = SecretPage.model_construct(secrets=[secret_wire(secret) for secret in found])
    return reply(page, 200, {"Cache-Control": "no-store"})


@router.put("/{name}", status_code=204)
async def put(
    services: With, scope: Operated, by: Caller, name: _Name, wire: ValueWire
) -> Response:
    """Set a secret; runs that begin from now on get this value."""
    await services.threaded(services.secrets.put, scope, name, wire.value, by)
    return Response(status_code=204)


@router.delete("/{name}", status_code=204)
async def delete(services: With, scope: Operated, name: _Name) -> Response:
    """Forget a secret."""
    await services.threaded(services.secrets.delete, scope, name)
    return Response(status_code=204)
