"""The way out for Schemathesis' requests: the test's own client, with its bounds."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import requests
from schemathesis.core import SCHEMATHESIS_TEST_CASE_HEADER
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.transport.requests import REQUESTS_TRANSPORT, RequestsTransport

from actors.specs.allow_list import address
from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.http import ENCODINGS, Answer, CannotSend, NoAnswer

AnyCase: TypeAlias = Case[Any]  # Any: an operation of any kind
_OWN_HEADERS = {"Accept-Encoding": ENCODINGS, "User-Agent": "ath"}


class Stopped(BaseException):
    """No further request makes sense; no `Exception`, so that nobody tries a smaller one."""

    def __init__(self, failed: StepFailed) -> None:
        """Why."""
        super().__init__(str(failed))
        self.failed = failed


class Door(RequestsTransport):
    """Writes requests as Schemathesis does, and sends them as specs do."""

    def __init__(self) -> None:
        """Closed until a test opens it."""
        super().__init__()
        self._copy_serializers_from(REQUESTS_TRANSPORT)
        self.context: StepContext | None = None
        self.request_seconds = 0.0
        self.sent = 0

    def open(self, context: StepContext, request_seconds: float) -> None:
        """From now on requests go out as this step's."""
        self.context, self.request_seconds, self.sent = context, request_seconds, 0

    def send(
        self, case: AnyCase, *, session: requests.Session | None = None, **kwargs: Any
    ) -> Response:  # Any: as Schemathesis declares it
        """Send a case and take in the answer.

        Raises:
            CannotSend: HTTP cannot say this request.
            Stopped: there was no answer, or there must be no further request.
        """
        request = self._request(case, kwargs)
        is_redirect_told = any(
            code.startswith("3") for code in case.operation.responses.status_codes
        )
        answer = self._answer(request, follow=not is_redirect_told)
        if answer.url != request.url:
            request = request.copy()
            request.url = answer.url
        return Response(
            status_code=answer.status,
            headers={name: [value] for name, value in answer.headers.items()},
            content=answer.body,
            request=request,
            elapsed=answer.seconds,
            verify=True,
            encoding=answer.charset,
        )

    def _request(self, case: AnyCase, kwargs: Mapping[str, Any]) -> requests.PreparedRequest:
        parts = self.serialize_case(case, **kwargs)
        parts["headers"].pop(SCHEMATHESIS_TEST_CASE_HEADER, None)  # chance
        parts["headers"].update(_OWN_HEADERS)
        try:
            request = requests.Request(**parts).prepare()
        except (requests.RequestException, ValueError) as wrong:
            raise CannotSend(f"{case.method} {case.path}: {wrong}") from None
        return _with_fixed_boundary(request)

    def _answer(self, request: requests.PreparedRequest, *, follow: bool) -> Answer:
        """The answer; a connection that the server gave up meanwhile is replaced once."""
        try:
            try:
                return self._exchange(request, follow=follow)
            except NoAnswer as failed:
                if failed.is_late:
                    raise
                return self._exchange(request, follow=follow)
        except CannotSend:
            raise
        except NoAnswer as failed:
            self._left()
            curl = curl_of(request, self._open_context())
            stopped = StepFailed(f"the server gave no answer: {failed.reason}", request=curl)
            raise Stopped(stopped) from None
        except StepFailed as failed:
            raise Stopped(failed) from None

    def _exchange(self, request: requests.PreparedRequest, *, follow: bool) -> Answer:
        context, left = self._open_context(), self._left()
        until = context.until - max(0.0, left - self.request_seconds)
        self.sent += 1
        body = request.body
        return context.test.http.send(
            replace(context, until=until),
            str(request.method),
            str(request.url),
            follow=follow,
            within=address(str(request.url)),
            headers=[(_encoded(k), _encoded(v)) for k, v in request.headers.items()],
            content=body.encode() if isinstance(body, str) else body,
        )

    def _left(self) -> float:
        """Seconds for all requests that are still to come."""
        try:
            return self._open_context().left()
        except StepFailed as spent:
            raise Stopped(spent) from None

    def _open_context(self) -> StepContext:
        if self.context is None:
            raise RuntimeError("The door is closed: call `open` with a step first.")
        return self.context


def curl_of(request: requests.PreparedRequest, context: StepContext) -> str:
    """The request as a command, without secrets."""
    from schemathesis.core import curl

    redact = context.test.recorder.redactor.text
    body = request.body
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    headers = {
        name: str(value) for name, value in request.headers.items() if name not in _OWN_HEADERS
    }
    return curl.generate(
        method=str(request.method),
        url=redact(str(request.url)),
        body=None if text is None else redact(str(text)),
        verify=True,
        headers={redact(name): redact(value) for name, value in headers.items()},
        known_generated_headers={},
    ).command


def _encoded(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1", errors="replace")


def _with_fixed_boundary(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The boundary of a multipart body is chance; the same request should look the same."""
    kind = request.headers.get("Content-Type", "")
    before, found, boundary = str(kind).partition("boundary=")
    if not found or not isinstance(request.body, bytes):
        return request
    old = boundary.strip('"').encode()
    body = request.body.replace(old, b"")
    new = hashlib.sha256(body).hexdigest()[: len(old)].encode()
    if len(new) == len(old) and new not in body:
        request.body = request.body.replace(old, new)
        request.headers["Content-Type"] = f"{before}boundary={new.decode()}"
    return request
