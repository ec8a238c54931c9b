"""A small API with a server error and an answer that breaks its description, for tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

NUMBER = {"type": "integer", "minimum": 1, "maximum": 1000}


def answered(schema: dict[str, Any]) -> dict[str, Any]:
    """Documented answers: of this schema, or an error."""
    good = {"description": "good", "content": {"application/json": {"schema": schema}}}
    return {"200": good, "4XX": {"description": "bad"}}


ID = {"name": "id", "in": "path", "required": True, "schema": NUMBER}
THING = {"type": "object", "properties": {"id": NUMBER}, "required": ["id"]}
LIMIT = {"name": "limit", "in": "query", "schema": NUMBER}
ORDER = {
    "type": "object",
    "properties": {"count": NUMBER, "note": {"type": "string", "maxLength": 20}},
    "required": ["count"],
}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/things/{id}": {
            "get": {
                "operationId": "read_thing",
                "tags": ["things"],
                "parameters": [ID],
                "responses": answered({"$ref": "#/components/schemas/Thing"}),
            },
        },
        "/things": {
            "get": {
                "operationId": "list_things",
                "tags": ["things"],
                "parameters": [LIMIT],
                "responses": answered(
                    {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}
                ),
            },
        },
        "/orders": {
            "post": {
                "operationId": "add_order",
                "tags": ["orders"],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": ORDER}},
                },
                "responses": answered({"$ref": "#/components/schemas/Thing"}),
            },
        },
    },
    "components": {"schemas": {"Thing": THING}},
}


class Shop:
    """The running API, and what it was asked."""

    def __init__(self, address: str) -> None:
        """At an address."""
        self.address = address
        self.asked: list[tuple[str, str, tuple[tuple[str, str], ...], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    """Answers, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    server: "ShopServer"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def __getattr__(self, name: str) -> Any:  # Any: whatever method is asked for
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/openapi.json":
            self._say(200, DESCRIPTION)
            return
        headers = tuple(sorted(pair for pair in self.headers.items() if pair[0] != "Host"))
        self.server.shop.asked.append((self.command, self.path, headers, body))
        self._say(*answer_to(self.command, self.path, body))

    def _say(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


class ShopServer(ThreadingHTTPServer):
    """Of a shop."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.shop = Shop(f"http://127.0.0.1:{self.server_address[1]}")


@contextmanager
def shop() -> Iterator[Shop]:
    """Lists of 500 things and more hold a wrong one; an order of more than 500 is an error."""
    server = ShopServer()
    Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05}).start()
    try:
        yield server.shop
    finally:
        server.shutdown()
        server.server_close()


def answer_to(method: str, path: str, body: bytes) -> tuple[int, object]:
    """Status and body."""
    parts = urlsplit(path)
    if method == "POST" and parts.path == "/orders":
        return _order(body)
    if method != "GET":
        return 405, {}
    if parts.path == "/things":
        limit = _number(parse_qs(parts.query, keep_blank_values=True).get("limit", ["20"])[-1])
        if limit is None:
            return 422, {}
        return 200, [{"id": "many" if limit >= 500 else 1}]
    number = _number(parts.path.rpartition("/")[2])
    return (404, {}) if number is None else (200, {"id": number})


def _order(body: bytes) -> tuple[int, object]:
    try:
        value = json.loads(body)
    except ValueError:
        return 400, {}
    count = value.get("count") if isinstance(value, dict) else None
    if type(count) is not int or not 1 <= count <= 1000 or len(value) > 2:
        return 422, {}
    return (500, {"told": "too many"}) if count > 500 else (200, {"id": count})


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 1000 else None
