"""`/trace`: Playwright's own trace viewer, from the installed package."""

import importlib.util
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from api.rest.access import With
from harness.errors import NotFound

router = APIRouter(prefix="/trace", include_in_schema=False)

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


@router.get("/{name:path}")
async def viewer_file(services: With, name: str) -> Response:
    """One of the viewer's files."""
    path = _inside(services.trace_viewer, name)
    media_type = _TYPES.get(path.suffix, "application/octet-stream")
    return FileResponse(path, headers=_HEADERS, media_type=media_type)


def _inside(folder: Path | None, name: str) -> Path:
    if folder is None:
        raise NotFound("The trace viewer needs the package playwright on the server.")
    if "\0" not in name:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return path
    raise NotFound(f"The trace viewer has no file {name!r}.")
