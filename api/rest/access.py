"""Who is asking and what they may do.

The dependencies take nothing but the request, because every request pays for nested ones.
`schema.py` describes what FastAPI therefore cannot see.
"""

from typing import Annotated

from fastapi import Depends, Request

from api.auth.keys import KeyRing
from api.auth.sessions import COOKIE, Sessions
from api.services import Services
from harness.domain.ids import ProjectId, TenantId
from harness.domain.principal import Principal, Role
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import Forbidden, Unauthenticated


class Access:
    """Authenticates the requests of one application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._keys = KeyRing(
            services.records,
            services.secret,
            services.clock,
            services.settings.principal_cache_seconds,
        )
        self._sessions = Sessions(services.secret, services.clock, services.entropy)

    async def principal(self, request: Request) -> Principal:
        """The caller.

        Raises:
            Unauthenticated: no credential, or one that is not valid now.
        """
        header = request.headers.get("authorization")
        if header is not None:
            return await self._bearer(header)
        cookie = request.cookies.get(COOKIE)
        if cookie and request.method in {"GET", "HEAD"}:
            return self._sessions.open("session", cookie).principal
        raise Unauthenticated("Send an API key: Authorization: Bearer ath_…")

    async def _bearer(self, header: str) -> Principal:
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Only bearer keys are accepted: Authorization: Bearer ath_…")
        known = self._keys.remembered(key)
        if known is None:
            known = await self._services.read(self._keys.look_up, key)
        if known is None:
            raise Unauthenticated("This API key is not known. Check it, or make a new one.")
        return known


async def services_of(request: Request) -> Services:
    """The services of the application that serves the request."""
    found: Services = request.app.state.services
    return found


async def caller(request: Request) -> Principal:
    """The authenticated caller."""
    access: Access = request.app.state.access
    return await access.principal(request)


async def _viewer(request: Request) -> Scope:
    return await _scope(request, Role.VIEWER)


async def _member(request: Request) -> Scope:
    return await _scope(request, Role.MEMBER)


async def _operator(request: Request) -> Scope:
    return await _scope(request, Role.OPERATOR)


async def _scope(request: Request, role: Role) -> Scope:
    principal = await caller(request)
    scope = Scope(principal.tenant, ProjectId(request.path_params["project"]))
    if not principal.may(role, scope.tenant, scope.project):
        raise Forbidden(f"{principal.name} is not {role} of project {scope.project}.")
    return scope


async def _tenant_viewer(request: Request) -> TenantId:
    return await _tenant(request, Role.VIEWER)


async def _tenant_member(request: Request) -> TenantId:
    return await _tenant(request, Role.MEMBER)


async def _tenant_operator(request: Request) -> TenantId:
    return await _tenant(request, Role.OPERATOR)


async def _tenant(request: Request, role: Role) -> TenantId:
    principal = await caller(request)
    if principal.projects or not principal.may(role, principal.tenant, DEFAULT_SCOPE.project):
        raise Forbidden(f"{principal.name} is not {role} of all projects of {principal.tenant}.")
    return principal.tenant


Caller = Annotated[Principal, Depends(caller)]
With = Annotated[Services, Depends(services_of)]
Viewed = Annotated[Scope, Depends(_viewer)]
"""The project of the URL, for a caller who may look."""
Changed = Annotated[Scope, Depends(_member)]
"""The project of the URL, for a caller who may submit and cancel."""
Operated = Annotated[Scope, Depends(_operator)]
"""The project of the URL, for a caller who may set its secrets."""
ViewedTenant = Annotated[TenantId, Depends(_tenant_viewer)]
"""The caller's own tenant, for a caller who may look at all its projects."""
OfTenant = Annotated[TenantId, Depends(_tenant_member)]
"""The caller's own tenant, for a caller who may act in all its projects."""
OperatedTenant = Annotated[TenantId, Depends(_tenant_operator)]
"""The caller's own tenant, for an operator of all its projects."""
