"""`/openapi.json`: FastAPI's schema with what the dependencies do by hand."""

from typing import Any

from fastapi import FastAPI

Schema = dict[str, Any]  # Any: FastAPI's own type of an OpenAPI document

_PROJECT = {
    "name": "project",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"},
}
_KEY = {"type": "http", "scheme": "bearer", "bearerFormat": "ath_…"}
_PROBLEM = {
    "description": "Anything that went wrong, as RFC 9457 says",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "code", "retryable", "trace_id"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                    "retryable": {"type": "boolean"},
                    "trace_id": {"type": "string"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["field", "message"],
                            "properties": {
                                "field": {"type": "string"},
                                "message": {"type": "string"},
                                "line": {"type": "integer"},
                                "column": {"type": "integer"},
                            },
                        },
                    },
                },
            }
        }
    },
}


def install(app: FastAPI) -> None:
    """Let the application describe keys, projects and problems too."""
    plain = app.openapi

    def described() -> Schema:
        # FastAPI remembers the schema it made, which is the very object completed here.
        return plain() if app.openapi_schema else _completed(plain())

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def _completed(schema: Schema) -> Schema:
    components = schema.setdefault("components", {})
    components["securitySchemes"] = {"key": _KEY}
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _complete(path, operation)
    return schema


def _complete(path: str, operation: Schema) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    responses["default"] = _PROBLEM
    if path.startswith("/v1/"):
        operation["security"] = [{"key": []}]
    if "{project}" in path:
        operation.setdefault("parameters", []).insert(0, _PROJECT)
