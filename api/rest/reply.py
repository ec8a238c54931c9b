"""JSON replies made of wire models, and conditional ones."""

from collections.abc import Mapping

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response


def reply(
    model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The model as JSON, serialised once by pydantic's own code."""
    # Conversions build models unvalidated; "none" keeps str subclasses from warning.
    body = model.__pydantic_serializer__.to_json(model, warnings="none")
    return Response(body, status, headers, "application/json")


def unchanged(request: Request, etag: str) -> bool:
    """Whether the client's copy is the current one."""
    known = request.headers.get("if-none-match", "")
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in known.split(",") if tag)
