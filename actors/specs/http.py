"""HTTP for one test: one client, whole answers within a deadline and a size."""

import ssl
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx

from actors.specs.allow_list import address
from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.http_deadline import keep_deadline
from actors.specs.saved import parsed

MOST_BYTES = 10 * 1024 * 1024
MOST_REDIRECTS = 10
ENCODINGS = "gzip, deflate"


class NoAnswer(StepFailed):
    """A request was sent, or could have been, and no whole answer came."""

    def __init__(self, message: str, reason: str, *, is_late: bool = False) -> None:
        """What happened, and why without what was asked; late is what took too long."""
        super().__init__(message)
        self.reason = reason
        self.is_late = is_late


class CannotSend(StepFailed):
    """HTTP has no way to say this request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str
    method: str
    seconds: float
    """From sending the request to the last byte."""
    charset: str = "utf-8"

    @property
    def text(self) -> str:
        """The body as text."""
        try:
            return self.body.decode(self.charset, errors="replace")
        except LookupError:
            return self.body.decode(errors="replace")

    def json(self) -> Any:  # Any: whatever the server sent
        """The body as JSON.

        Raises:
            StepFailed: it is none.
        """
        return parsed(self.text)


@dataclass(slots=True)
class HttpSession:
    """One client, made on first use; connections and cookies last as long as the test."""

    keep_cookies: bool = True
    _client: httpx.Client | None = None
    _context: StepContext | None = None

    def send(
        self,
        context: StepContext,
        method: str,
        url: str,
        *,
        follow: bool,
        within: str | None = None,
        **parts: Any,
    ) -> Answer:  # Any: parts are as httpx takes them
        """Send a request and take in the answer.

        Args:
            context: its deadline, budget and allow-list.
            method: in capitals.
            url: the whole address.
            follow: redirects, each checked against the allow-list.
            within: `host:port` that redirects may lead to; others are given back.
            parts: of the request.

        Raises:
            NoAnswer: none in time.
            CannotSend: HTTP cannot say it.
            StepFailed: the answer is too large, or an address is not allowed.
        """
        self._context = context
        begun = context.test.clock.monotonic()
        try:
            client = self._client = self._client or self._open()
            # given as `params` they would replace those that the address has
            address = httpx.URL(url).copy_merge_params(parts.pop("params", {}))
            request = client.build_request(method, address, **parts)
            for _ in range(MOST_REDIRECTS + 1):
                context.test.allow.check(str(request.url))
                answer, following = _exchange(client, request, context, begun)
                if not self.keep_cookies:
                    client.cookies.clear()
                if following is None or not follow or _is_outside(following, within):
                    return answer
                request = following
        except httpx.LocalProtocolError as wrong:
            raise CannotSend(f"{method} {url} cannot be sent: {wrong}") from None
        except httpx.HTTPError as failed:
            raise _no_answer(failed, method, url, context, begun) from None
        except (httpx.InvalidURL, UnicodeError, TypeError, ValueError) as wrong:
            raise CannotSend(f"{method} {url} cannot be sent: {wrong}") from None
        raise StepFailed(f"{method} {url} was redirected more than {MOST_REDIRECTS} times")

    def close(self) -> None:
        """Close what is open."""
        if self._client is not None:
            self._client.close()

    def _open(self) -> httpx.Client:
        client = httpx.Client(
            verify=_tls(),
            timeout=None,  # noqa: S113  # the whole exchange has a deadline
            headers={"Accept-Encoding": ENCODINGS, "User-Agent": "ath"},
        )
        keep_deadline(client, self._left)
        return client

    def _left(self) -> float:
        if self._context is None:
            return 0.0
        left = self._context.until - self._context.test.clock.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


def _is_outside(request: httpx.Request, host: str | None) -> bool:
    return host is not None and address(str(request.url)) != host


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than most requests: once per process.
    return ssl.create_default_context()


def _exchange(
    client: httpx.Client, request: httpx.Request, context: StepContext, begun: float
) -> tuple[Answer, httpx.Request | None]:
    reply = client.send(request, stream=True, follow_redirects=False)
    try:
        body = _whole(reply.iter_raw(), reply.headers.get("content-encoding", ""), context)
    finally:
        reply.close()
    answer = Answer(
        status=reply.status_code,
        headers=dict(reply.headers),
        body=body,
        url=str(request.url),
        method=request.method,
        seconds=context.test.clock.monotonic() - begun,
        charset=reply.charset_encoding or "utf-8",
    )
    return answer, reply.next_request


def _whole(chunks: Iterable[bytes], encoding: str, context: StepContext) -> bytes:
    """The body, unpacked and bounded: httpx itself would unpack a chunk to any size."""
    encoding = encoding.strip().lower()
    unpack = None
    if encoding in {"gzip", "x-gzip", "deflate"}:
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
    elif encoding not in {"", "identity"}:
        raise StepFailed(f"the answer is encoded as {encoding!r}; only {ENCODINGS} were offered")
    body, received = bytearray(), 0
    for chunk in chunks:
        received += len(chunk)
        context.spend(len(chunk))
        try:
            body += unpack.decompress(chunk, MOST_BYTES + 1 - len(body)) if unpack else chunk
        except zlib.error as wrong:
            raise StepFailed(f"the answer cannot be unpacked: {wrong}") from None
        if len(body) > MOST_BYTES:
            raise StepFailed(f"the answer has more than {MOST_BYTES >> 20} MiB")
    if unpack and received and not unpack.eof:
        raise StepFailed("the answer cannot be unpacked: it ends too early")
    return bytes(body)


def _no_answer(
    failed: Exception, method: str, url: str, context: StepContext, begun: float
) -> NoAnswer:
    now = context.test.clock.monotonic()
    if now >= context.until:
        message = f"{method} {url} was not answered whole within {now - begun:.1f} s"
        return NoAnswer(message, "not whole in time", is_late=True)
    told = str(failed) or type(failed).__name__
    return NoAnswer(f"{method} {url} got no answer: {told}", told)
