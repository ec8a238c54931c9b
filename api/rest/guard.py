"""What is refused before any route runs: foreign hosts and origins, bodies without end."""

import re
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.rest.problem import problem
from api.services import ApiSettings
from harness.ports.entropy import Entropy

_UPLOADS = re.compile(
    r"/v1/projects/[^/]+/(?:suites/[^/]+|imports)|/v1/sandboxes/[^/]+/files", re.ASCII
)
_PROBES = frozenset({"/healthz", "/readyz"})


class Guard:
    """Checks Host and Origin (a page elsewhere must not reach a loopback API) and body sizes."""

    def __init__(self, app: ASGIApp, settings: ApiSettings, entropy: Entropy) -> None:
        self._app = app
        self._hosts = settings.allowed_hosts
        self._limit = settings.max_body_bytes
        self._entropy = entropy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] != "http" or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _name(headers.get("host", "")) not in self._hosts:
            detail = "This server does not answer to that host name."
            await self._refuse(421, detail, scope, receive, send)
        elif not self._same_site(headers):
            await self._refuse(403, "Requests of other sites are refused.", scope, receive, send)
        elif scope["method"] in {"GET", "HEAD"} or _counts_itself(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await self._app(scope, self._limited(receive), send)

    def _same_site(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        return origin is None or _name(urlsplit(origin).netloc) in self._hosts

    async def _refuse(
        self, status: int, detail: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        code = "forbidden" if status == 403 else "misdirected_request"
        answer = problem(status, code, detail, trace_id=self._entropy.new_id())
        await answer(scope, receive, send)

    def _limited(self, receive: Receive) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                # FastAPI turns any other class into a 400 while it reads a body.
                raise HTTPException(413, f"The body is larger than {self._limit} bytes.")
            return message

        return counted


def _counts_itself(path: str) -> bool:
    """Whether the route takes uploads, which have limits of their own."""
    return _UPLOADS.fullmatch(path) is not None


def _name(netloc: str) -> str:
    """The host without port, IPv6 addresses in brackets."""
    if netloc.startswith("["):
        return netloc.partition("]")[0] + "]"
    return netloc.partition(":")[0].lower()
