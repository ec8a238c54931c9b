"""Every error as problem+json (RFC 9457), with one mapping from the error tree."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.refusal import detail_of, facts_of, masked
from harness.errors import HarnessError, InvalidDocument
from harness.ports.entropy import Entropy

MEDIA_TYPE = "application/problem+json"
MAX_FIELDS = 50

_log = logging.getLogger(__name__)
_CODES = {400: "invalid_input", 404: "not_found", 413: "too_large", 422: "invalid_input"}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request."""

    field: str
    """Such as `body.suite.digest`."""
    message: str
    line: int | None = None
    """In a document that was sent as text."""
    column: int | None = None

    def members(self) -> Mapping[str, object]:
        """For the wire."""
        told: dict[str, object] = {"field": self.field, "message": self.message}
        return told if self.line is None else told | {"line": self.line, "column": self.column}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    trace_id: str,
    retryable: bool = False,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, object] | None = None,
) -> Response:
    """An error response; facts are members of its own kind."""
    body: dict[str, object] = {
        "type": f"urn:ath:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": retryable,
        "trace_id": trace_id,
    }
    body |= facts or {}
    if errors:
        body["errors"] = [each.members() for each in errors]
    sent = {"Cache-Control": "no-store", **(headers or {})}
    if retryable:
        sent["Retry-After"] = "1"
    if status == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = 'Bearer realm="ath"'
    return Response(json.dumps(body), status, sent, MEDIA_TYPE)


def problem_of(error: HarnessError, trace_id: str) -> Response:
    """The error as its class says; what went wrong inside is logged, not told."""
    return problem(
        error.status,
        error.code,
        detail_of(error, trace_id),
        trace_id=trace_id,
        retryable=error.retryable,
        facts=facts_of(error),
        errors=_mistakes(error),
    )


def install(app: FastAPI, entropy: Entropy) -> None:
    """Let the application answer every error as a problem."""

    @app.exception_handler(HarnessError)
    async def refused(_: Request, error: HarnessError) -> Response:
        return problem_of(error, entropy.new_id())

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return _invalid(error, entropy.new_id())

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, _code(error.status_code))
        trace_id, detail = entropy.new_id(), str(error.detail)
        return problem(error.status_code, code, detail, trace_id=trace_id, headers=error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=400)

    @app.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> Response:
        trace_id = entropy.new_id()
        _log.error("request failed", extra={"trace_id": trace_id}, exc_info=error)
        return problem(500, "internal", masked(trace_id), trace_id=trace_id)


def _mistakes(error: HarnessError) -> Sequence[FieldError]:
    if not isinstance(error, InvalidDocument):
        return ()
    return [FieldError(m.path, m.message, m.line, m.column) for m in error.mistakes[:MAX_FIELDS]]


def _invalid(error: RequestValidationError, trace_id: str) -> Response:
    found = [
        FieldError(".".join(str(part) for part in entry["loc"]), str(entry["msg"]))
        for entry in error.errors()[:MAX_FIELDS]
    ]
    detail = "; ".join(f"{e.field}: {e.message}" for e in found[:3])
    return problem(422, "invalid_input", detail, trace_id=trace_id, errors=found)


def _code(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
