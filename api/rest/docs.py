"""`/docs`: Swagger UI from an installed package, nothing from elsewhere."""

import importlib.util
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, Response

from api.rest.access import With
from api.services import Services
from harness.errors import NotFound

router = APIRouter(prefix="/docs", include_in_schema=False)

# Swagger UI sets style attributes; no script but these files runs.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {"Content-Security-Policy": _CSP, "X-Content-Type-Options": "nosniff"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>API · AI test harness</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/ui/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body></html>
"""
_START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", deepLinking: true});\n'
_ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}


def docs_assets() -> Path | None:
    """Where `fastapi-offline` keeps Swagger UI; None when it is not installed."""
    spec = importlib.util.find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "static"


@router.get("")
async def page(services: With) -> Response:
    """The page."""
    _folder(services)
    return HTMLResponse(_PAGE, headers=_HEADERS)


@router.get("/start.js")
async def start() -> Response:
    """Our own few words that open it."""
    return Response(_START, media_type="text/javascript", headers=_HEADERS)


@router.get("/{name}")
async def asset(services: With, name: str) -> Response:
    """One of the two files of Swagger UI."""
    if name not in _ASSETS:
        raise NotFound(f"The docs page has no file {name!r}.")
    headers = {**_HEADERS, "Cache-Control": "max-age=86400"}
    return FileResponse(_folder(services) / name, headers=headers, media_type=_ASSETS[name])


def _folder(services: Services) -> Path:
    if services.docs_assets is None:
        raise NotFound(
            "The docs page needs the package fastapi-offline. The schema is at /openapi.json."
        )
    return services.docs_assets
