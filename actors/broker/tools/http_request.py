"""`http.request`: one HTTP request, as far as the lease's network policy goes."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from pydantic import Field, StringConstraints

from actors.broker.passage import Passage
from actors.broker.proxy import EgressProxy
from actors.broker.tools.arguments import Arguments
from actors.broker.tools.lease_client import HttpQuestion, HttpReply, LeaseClient
from actors.broker.tools.tool import Tool, ToolAnswer, quoted
from harness.domain.host_name import Endpoint
from harness.errors import InvalidInput

MOST_BODY = 512 << 10
MOST_REPLY = 1 << 20
MOST_HEADERS = 64
_URL = re.compile(r"[^\x00-\x20\x7f]{1,8000}")
_OF_THE_CONNECTION = {
    *("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer"),
    *("transfer-encoding", "upgrade"),
}
_CHARSET = re.compile(
    r'charset="?(us-ascii|utf-8|iso-8859-[0-9]+|windows-125[0-8]|shift_jis|euc-(?:jp|kr)|big5|gbk)'
)
"""Python knows more, some of which take a square of the text's time."""
_SAFE = "/:@!$&'()*+,;=~%[]"

Token = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=80)]
Value = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e\t]*$", max_length=8000)]


class HttpArguments(Arguments):
    """One request."""

    url: str
    """With http:// or https://."""
    method: Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,20}$")] = "GET"
    headers: Annotated[dict[Token, Value], Field(default_factory=dict, max_length=MOST_HEADERS)]
    body: Annotated[str, StringConstraints(max_length=MOST_BODY)] = ""
    """Text, sent as UTF-8."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Asks through the lease's own proxy, which decides, counts and resolves."""

    client: LeaseClient
    name: str = "http.request"
    description: str = (
        "Send one HTTP request and get status, headers and text. Redirects are not followed: "
        "request the location yourself, and it is decided on anew."
    )
    lacks: str = ""
    pays_itself: bool = True

    @property
    def schema(self) -> Mapping[str, Any]:  # Any: a JSON Schema
        """Of its arguments."""
        return HttpArguments.described()

    async def call(self, given: Mapping[str, object]) -> ToolAnswer:
        """Ask."""
        question = _question(HttpArguments.read(given))
        reply = await self.client.ask(question, MOST_REPLY)
        return quoted(f"{question.method} to {question.to} gave this.", _written(reply))

    async def close(self) -> None:
        """Nothing is kept."""


def http_request(proxy: EgressProxy, passage: Passage, tls: ssl.SSLContext | None = None) -> Tool:
    """The tool for a lease that the proxy has admitted; `tls` verifies hosts."""

    @cache
    def context() -> ssl.SSLContext:
        made = tls or ssl.create_default_context()
        if passage.authority is not None:
            made.load_verify_locations(cadata=passage.authority.pem)
        return made

    def is_read(to: Endpoint) -> bool:
        return passage.rules.connection(to).must_read

    return HttpRequest(LeaseClient(partial(proxy.connect, passage.lease), is_read, context))


def _question(asked: HttpArguments) -> HttpQuestion:
    if not _URL.fullmatch(asked.url):
        raise InvalidInput("url: must have no spaces or control characters, and 8000 at most")
    try:
        parts = urlsplit(asked.url)
    except ValueError:
        raise InvalidInput("url: is none") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidInput("url: must begin with http:// or https://")
    if asked.method == "CONNECT":
        raise InvalidInput("method: CONNECT makes a tunnel, and this is for requests")
    for name in asked.headers:
        if name.lower() in _OF_THE_CONNECTION or name.lower().startswith("proxy-"):
            raise InvalidInput(f"headers: {name} is set by the connection; leave it out")
    is_secure = parts.scheme == "https"
    to = Endpoint.parse(parts.netloc, 443 if is_secure else 80)
    query = f"?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else ""
    path = quote(parts.path or "/", safe=_SAFE) + query
    # A body that is packed would have to be unpacked, to any size.
    headers = {"Accept-Encoding": "identity", **asked.headers}
    return HttpQuestion(
        asked.method, is_secure, to, path, tuple(headers.items()), asked.body.encode()
    )


def _written(reply: HttpReply) -> str:
    head = [f"status: {reply.status}", *(f"{name}: {value}" for name, value in reply.headers)]
    return "\n".join([*head, "", _text(reply)])


def _text(reply: HttpReply) -> str:
    kinds = [value.lower() for name, value in reply.headers if name == "content-type"]
    packed = any(name == "content-encoding" and value for name, value in reply.headers)
    found = _CHARSET.search(kinds[0]) if kinds else None
    more = f"\n… only the first {len(reply.body)} bytes were read …" if reply.is_cut else ""
    try:
        if packed or b"\0" in reply.body:
            raise ValueError
        coding = found[1] if found else "utf-8"
        return reply.body.decode(coding, "replace" if reply.is_cut else "strict") + more
    except (LookupError, ValueError):
        return f"… {len(reply.body)} bytes that are no text are left out …{more}"
