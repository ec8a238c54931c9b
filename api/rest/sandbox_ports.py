"""`…/ports/{port}/…`: an HTTP server inside a sandbox, asked on behalf of its tenant.

What it answers is hostile: it never comes with a browser's session, it sets nothing, and browsers
would run nothing of it.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.rest.access import OfTenant, With
from api.rest.sandboxes import IdPath
from harness.domain.sandbox import SandboxRef
from harness.domain.sandbox_visit import METHODS, Visit, Visited

router = APIRouter(prefix="/v1/sandboxes/{sandbox}", tags=["sandboxes"])

PortPath = Annotated[int, Path(ge=1, le=65535)]
MARK = "Ath-Sandbox"
"""A header of answers that were given inside; nobody there can leave it out or set it."""
_BODILESS = frozenset({"GET", "HEAD"})
_SEGMENTS = 6
"""Of the path before the part that the server inside gets."""


async def visit(
    request: Request, services: With, tenant: OfTenant, sandbox: IdPath, port: PortPath
) -> Response:
    """Ask an HTTP server in the sandbox; the answer is whole, and bounded in size and time."""
    body = b"" if request.method in _BODILESS else await request.body()
    headers = [(name, value) for name, value in request.headers.items()]
    asked = Visit(request.method, _target(request), headers, body)
    ref = SandboxRef(tenant, sandbox)
    answer = await services.sandboxes.node.visit(ref, port, asked)
    return _told(answer, ref, port)


for _method in sorted(METHODS):
    router.add_api_route(
        "/ports/{port}/{path:path}",
        visit,
        methods=[_method],
        name=f"{_method.lower()}_port",
        response_class=Response,
    )


def _target(request: Request) -> str:
    """Path and query as they were sent: what they mean is for the server inside to say."""
    raw: bytes = request.scope["raw_path"]
    path = b"/" + b"/".join(raw.partition(b"?")[0].split(b"/")[_SEGMENTS:])
    query: bytes = request.scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _told(answer: Visited, ref: SandboxRef, port: int) -> Response:
    response = Response(answer.body, answer.status)
    for name, value in answer.headers:
        if name.lower() == "location":
            value = _led(value, ref, port)
        response.headers.append(name, value)
    response.headers[MARK] = ref.id
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _led(location: str, ref: SandboxRef, port: int) -> str:
    """A place of the server inside, as it is reached from here."""
    path = location.removeprefix(f"http://localhost:{port}")
    inside = path.startswith("/") and not path.startswith("//")
    return f"/v1/sandboxes/{ref.id}/ports/{port}{path}" if inside else location
