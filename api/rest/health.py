"""`/healthz`, `/readyz` and `/v1/me`."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints
from starlette.responses import JSONResponse, Response

from api.auth.sessions import HOME, LOGIN_SECONDS, Sessions
from api.rest.access import Caller, With
from api.rest.reply import reply
from api.rest.wire.model import WireModel
from api.services import Services
from harness.domain.ids import Digest
from harness.domain.principal import Role
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import HarnessError

router = APIRouter(tags=["platform"])

_NOWHERE = Digest("0" * 64)


class MeWire(WireModel):
    """The caller as the platform knows them."""

    name: str
    tenant: str
    role: Role
    projects: list[str]
    """Empty means every project of the tenant."""


class LinkRequest(WireModel):
    """Which page a login link leads to."""

    to: Annotated[str, StringConstraints(pattern=r"^/ui/[A-Za-z0-9/_-]*$", max_length=255)] = HOME


class LinkWire(WireModel):
    """A login link; a secret until it was used."""

    path: str
    """Relative to the address of this server."""
    seconds: float
    """How long it may be used, once."""


@router.get("/healthz")
async def live() -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def ready(services: With) -> Response:
    """Whether each dependency answers; 503 when one does not."""
    found = {
        "records": await services.threaded(_records, services),
        "artifacts": await services.threaded(_artifacts, services),
    }
    status = 200 if all(state == "ok" for state in found.values()) else 503
    return JSONResponse(found, status, {"Retry-After": "1"} if status == 503 else None)


@router.get("/v1/me", response_model=MeWire)
async def me(principal: Caller) -> Response:
    """Who the credential belongs to and what it may do."""
    return reply(
        MeWire(
            name=principal.name,
            tenant=principal.tenant,
            role=principal.role,
            projects=list(principal.projects),
        )
    )


@router.post("/v1/me/links", status_code=201, response_model=LinkWire)
async def link(services: With, principal: Caller, wire: LinkRequest) -> Response:
    """A one-time link that signs a browser in, to look and nothing else."""
    sessions = Sessions(services.secret, services.clock, services.entropy)
    token = sessions.login_token(principal, wire.to)
    made = LinkWire(path=f"/ui/login?token={token}", seconds=LOGIN_SECONDS)
    return reply(made, 201, {"Cache-Control": "no-store"})


def _records(services: Services) -> str:
    try:
        with services.records.transaction(DEFAULT_SCOPE) as tx:
            tx.now()
    except HarnessError as error:
        return error.code
    return "ok"


def _artifacts(services: Services) -> str:
    try:
        services.artifacts.has(DEFAULT_SCOPE, _NOWHERE)
    except (HarnessError, OSError) as error:
        return getattr(error, "code", "unavailable")
    return "ok"
