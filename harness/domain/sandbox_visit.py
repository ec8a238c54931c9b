"""One HTTP request to a server inside a sandbox, and what it answered."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.errors import InvalidInput

MOST_SENT_BYTES = 1 << 20
MOST_ANSWERED_BYTES = 16 << 20
VISIT_SECONDS = 60.0

Headers = Sequence[tuple[str, str]]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TARGET = re.compile(r"/[\x21-\x7e]*")
_HEADER = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OF_ONE_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "trailers", "upgrade"),
        *("transfer-encoding", "content-length", "host", "expect", "http2-settings"),
    }
)
_OF_THE_CALLER = frozenset({"authorization", "proxy-authorization", "cookie", "forwarded"})
"""What says who called is not the sandbox's to know."""
_ANSWERED = frozenset(
    {
        *("allow", "accept-ranges", "content-disposition", "content-encoding", "content-language"),
        *("content-range", "content-type", "etag", "last-modified", "location"),
        *("retry-after", "vary"),
    }
)
_STEERING = ("x-accel-", "x-sendfile", "x-forwarded-", "x-frame-", "x-content-type-", "x-xss-")
"""What proxies and browsers obey, which would be the sandbox's word about our origin."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, as the server inside gets it."""

    method: str
    target: str
    """Path and query as they were sent, such as `/shop?item=1`."""
    headers: Headers = ()
    body: bytes = b""

    def check(self) -> None:
        """Raise InvalidInput for what could mean more than one request."""
        if self.method not in METHODS:
            raise InvalidInput(f"A server in a sandbox is not asked with {self.method[:20]!r}.")
        if not _TARGET.fullmatch(self.target) or len(self.target) > 8192:
            raise InvalidInput("The path for the server in the sandbox is none, or too long.")
        if any(not _HEADER.fullmatch(word) for pair in self.headers for word in pair):
            raise InvalidInput("A header for the server in the sandbox cannot be sent.")
        if len(self.body) > MOST_SENT_BYTES:
            raise InvalidInput(f"A body for a server in a sandbox has {MOST_SENT_BYTES} bytes.")


@dataclass(frozen=True, slots=True)
class Visited:
    """The whole answer."""

    status: int
    headers: Headers
    body: bytes


def sent_inside(headers: Iterable[tuple[str, str]]) -> Headers:
    """What a server inside may hear of a caller's headers."""
    left_out = _OF_ONE_HOP | _OF_THE_CALLER | _named_by_connection(headers := list(headers))
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in left_out and not name.lower().startswith(("x-forwarded-", "sec-"))
    ]


def told_outside(headers: Iterable[tuple[str, str]]) -> Headers:
    """What a caller may hear of a hostile server's headers: nothing that sets or steers."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() in _ANSWERED
        or (name.lower().startswith("x-") and not name.lower().startswith(_STEERING))
    ]


def _named_by_connection(headers: Iterable[tuple[str, str]]) -> set[str]:
    lists = [value for name, value in headers if name.lower() == "connection"]
    return {word.strip().lower() for words in lists for word in words.split(",")}
