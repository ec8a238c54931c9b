"""Datasette plugin with the faults that the candidate serves; README.md lists them all."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from itertools import count
from typing import Any

from datasette import Response  # type: ignore[import-untyped]  # ships no types
from pluggy import HookimplMarker

hookimpl = HookimplMarker("datasette")  # what Datasette exports untyped

SLOW_PAGE = "/catalogue/prices"
SLOW_SECONDS = 2.5
BROKEN_ROUTE = "/catalogue/monthly_weather.json"
SHAKY_ROUTE = "/catalogue/warm_days.json"
RELABELLED_TABLE = "airports"
RELABEL = """
document.querySelector('form.filters input[type="submit"]').value = "Go";
"""

# ASGI leaves the values of scopes and messages open.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Faults:
    """Says what goes wrong with a request; every second request of the shaky route is served."""

    def __init__(self) -> None:
        self._shaky_requests = count(1)

    def delay_seconds(self, path: str) -> float:
        """Returns how long the answer is held back."""
        return SLOW_SECONDS if path == SLOW_PAGE else 0.0

    def refusal(self, path: str) -> tuple[int, str] | None:
        """Returns the status and the message to answer with, or None if the request is served."""
        if path == BROKEN_ROUTE:
            return 500, "no such column: precipitation_mm"
        if path == SHAKY_ROUTE and next(self._shaky_requests) % 2:
            return 503, "the connection pool is exhausted"
        return None


@hookimpl
def asgi_wrapper() -> Callable[[App], App]:
    """Puts the slow page and the failing routes in front of Datasette."""
    return lambda app: _faulty(app, Faults())


@hookimpl
def extra_body_script(table: str | None) -> str:
    """Renames the button of one table's filter form."""
    return RELABEL if table == RELABELLED_TABLE else ""


def _faulty(app: App, faults: Faults) -> App:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if refusal := faults.refusal(path):
            await _refuse(send, *refusal)
            return
        await asyncio.sleep(faults.delay_seconds(path))
        await app(scope, receive, send)

    return serve


async def _refuse(send: Send, status: int, error: str) -> None:
    body = {"ok": False, "error": error, "status": status, "title": None}
    await Response.json(body, status=status).asgi_send(send)
