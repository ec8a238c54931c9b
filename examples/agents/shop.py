"""A shop, which is the system under test: goods on a shelf, and orders."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHELF = {"apple": 3, "pear": 2, "melon": 9}


class Shop(BaseHTTPRequestHandler):
    """GET /shelf, GET and POST /orders."""

    orders: list[dict[str, object]] = []  # noqa: RUF012  # of all requests

    def do_GET(self) -> None:
        """Goods with their prices, or orders so far."""
        self._say(SHELF if self.path == "/shelf" else self.orders)

    def do_POST(self) -> None:
        """Order something."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if order.get("item") not in SHELF:
            self._say({"error": "no such item"}, 404)
            return
        self.orders.append(order)
        self._say(order, 201)

    def log_message(self, *said: object) -> None:
        """Nobody asks."""

    def _say(self, value: object, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
