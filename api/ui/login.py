"""`/ui/login`: a one-time link becomes a session cookie."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from api.auth.sessions import COOKIE, HOME, MAX_TOKEN_CHARS, Sessions, Ticket
from api.rest.access import With
from api.services import Services
from api.ui.page import HEADERS, PageRoute
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import Unauthenticated

router = APIRouter(prefix="/ui", include_in_schema=False, route_class=PageRoute)


@router.get("/login")
async def login(
    services: With, token: Annotated[str, Query(max_length=MAX_TOKEN_CHARS)]
) -> Response:
    """Sign in; each link works once."""
    sessions = Sessions(services.secret, services.clock, services.entropy)
    ticket = sessions.open("login", token)
    await services.threaded(_use, services, ticket)
    seconds = services.settings.session_seconds
    answer = RedirectResponse(ticket.about or HOME, 303, HEADERS)
    answer.set_cookie(
        COOKIE,
        sessions.session(ticket.principal, seconds),
        max_age=int(seconds),
        httponly=True,
        samesite="strict",
        secure=services.settings.secure_cookies,
    )
    return answer


def _use(services: Services, ticket: Ticket) -> None:
    mine = services.entropy.new_id()
    scope = Scope(ticket.principal.tenant, DEFAULT_SCOPE.project)
    with services.records.transaction(scope) as tx:
        if tx.once(f"login:{ticket.id}", mine) != mine:
            raise Unauthenticated("This link was used already. Ask for a new one: ath status.")
