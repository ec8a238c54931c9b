"""How a page is rendered, and how an error looks to a person."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from api.ui import wording
from harness.domain.percent import percent
from harness.domain.visible_text import visible
from harness.errors import HarnessError

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=lambda value: visible(value) if type(value) is str else value,
)
_templates.filters.update(
    command=wording.command,
    duration=wording.duration,
    moment=wording.moment,
    percent=percent,
    size=wording.size,
    words=wording.words,
)


def render(template: str, status: int = 200, **values: object) -> Response:
    """A page under a policy that lets nothing foreign run."""
    body = _templates.get_template(template).render(**values)
    return HTMLResponse(body, status, HEADERS)


class PageRoute(APIRoute):
    """A route whose refusals are pages."""

    def get_route_handler(
        self,
    ) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # Any: FastAPI's own signature
        """FastAPI's handler, with the platform's errors rendered."""
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except HarnessError as error:
                if error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                return _sorry(error.status, str(error))
            except RequestValidationError:
                return _sorry(404, "There is no such page.")

        return shown


def _sorry(status: int, detail: str) -> Response:
    title = HTTPStatus(status).phrase
    return render("error.html", status, title=title, detail=detail, signed_out=status == 401)
