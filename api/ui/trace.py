"""`/trace`: Playwright's own trace viewer, from the installed package.

Its frames may run scripts of the pages that a trace recorded. So it is opened under a name of
this server that has no session, with a token for the one trace.
"""

import importlib.util
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.datastructures import URL
from starlette.responses import FileResponse, RedirectResponse, Response

from api.auth.sessions import Sessions
from api.rest.access import Caller, Viewed, With
from api.rest.artifacts import Sha256Path, download
from api.services import ApiSettings, Services
from api.ui.page import HEADERS, PageRoute
from harness.domain.attempt import ArtifactRef
from harness.domain.ids import Digest
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import NotFound

router = APIRouter(include_in_schema=False, route_class=PageRoute)

TOKEN_SECONDS = 3600.0
_OTHER_NAME = {"127.0.0.1": "localhost", "localhost": "127.0.0.1", "::1": "localhost"}

_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".webmanifest": "application/manifest+json",
}
# The viewer shows recorded pages in frames that its service worker makes, styles inline.
_HEADERS = {
    "Cache-Control": "max-age=300",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; "
        "connect-src 'self' data: blob:; frame-src 'self' blob:; worker-src 'self' blob:; "
        "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}


def trace_viewer() -> Path | None:
    """The viewer's folder inside the playwright package; None when it is not installed."""
    spec = importlib.util.find_spec("playwright")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "driver/package/lib/vite/traceViewer"
    return folder if folder.is_dir() else None


@router.get("/ui/{project}/traces/{digest}")
async def open_trace(
    request: Request, services: With, _checked: Viewed, caller: Caller, digest: Sha256Path
) -> Response:
    """To the viewer, with a token for this trace."""
    token = _sessions(services).artifact_token(caller, digest, TOKEN_SECONDS)
    origin = _origin(request.url, services.settings)
    address = f"{origin}/trace/index.html?trace={quote(f'{origin}/trace/of/{token}', safe='')}"
    return RedirectResponse(address, 303, HEADERS)


@router.get("/trace/of/{token}")
async def trace_bytes(services: With, token: str) -> Response:
    """The trace that the token is about."""
    ticket = _sessions(services).open("artifact", token)
    scope = Scope(ticket.principal.tenant, DEFAULT_SCOPE.project)
    ref = ArtifactRef("trace.zip", Digest(ticket.about), 0, "application/zip")
    return await download(services, scope, ref)


@router.get("/trace/{name:path}")
async def viewer_file(services: With, name: str) -> Response:
    """One of the viewer's files."""
    path = _inside(services.trace_viewer, name)
    media_type = _TYPES.get(path.suffix, "application/octet-stream")
    return FileResponse(path, headers=_HEADERS, media_type=media_type)


def _sessions(services: Services) -> Sessions:
    return Sessions(services.secret, services.clock, services.entropy)


def _origin(url: URL, settings: ApiSettings) -> str:
    if settings.trace_origin:
        return settings.trace_origin.rstrip("/")
    other = _OTHER_NAME.get(url.hostname or "")
    if other in settings.allowed_hosts:
        url = url.replace(hostname=other)
    return f"{url.scheme}://{url.netloc}"


def _inside(folder: Path | None, name: str) -> Path:
    if folder is None:
        raise NotFound("The trace viewer needs the package playwright on the server.")
    if "\0" not in name:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return path
    raise NotFound(f"The trace viewer has no file {name!r}.")
