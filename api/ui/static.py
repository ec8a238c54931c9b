"""`/ui/static`: our own style sheet and script."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from harness.errors import NotFound

router = APIRouter(prefix="/ui/static", include_in_schema=False)

_FOLDER = Path(__file__).parent / "static"
_TYPES = {"page.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}
_HEADERS = {"Cache-Control": "max-age=300", "X-Content-Type-Options": "nosniff"}


@router.get("/{name}")
async def static(name: str) -> Response:
    """One of a few known files."""
    if name not in _TYPES:
        raise NotFound(f"There is no file {name!r}.")
    return FileResponse(_FOLDER / name, headers=_HEADERS, media_type=_TYPES[name])
