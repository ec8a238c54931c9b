"""Git repositories over HTTP on the loopback address, as smart and as dumb servers serve them."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "PATH": os.defpath,
}


def git(folder: Path, *words: str) -> str:
    """One command of git with an identity of its own."""
    argv = ["git", "-C", str(folder), *words]
    ran = subprocess.run(argv, env=_IDENTITY, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


class SmartHandler(BaseHTTPRequestHandler):
    """Git's own HTTP backend, behind a password if there is one."""

    root = Path()
    password = ""

    def do_GET(self) -> None:
        """Serve."""
        wanted = base64.b64encode(f"x-access-token:{self.password}".encode()).decode()
        if self.password and self.headers.get("Authorization") != f"Basic {wanted}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        url = urlsplit(self.path)
        environ = {
            **_IDENTITY,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        argv = ["git", "http-backend"]
        answer = subprocess.run(argv, env=environ, input=body, capture_output=True, check=False)
        head, _, content = answer.stdout.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")]
        headers = {name: value for name, _, value in lines}
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class DumbHandler(SimpleHTTPRequestHandler):
    """Nothing but files."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def smart_server(root: Path, password: str = "") -> Iterator[str]:
    """The address below which bare repositories are served."""
    handler = type("Handler", (SmartHandler,), {"root": root, "password": password})
    with _serving(handler) as url:
        yield url


@contextmanager
def dumb_server(root: Path) -> Iterator[str]:
    """The same by plain files; run `git update-server-info` in each first."""
    with _serving(partial(DumbHandler, directory=str(root))) as url:
        yield url


@contextmanager
def _serving(handler: "type[BaseHTTPRequestHandler] | partial[DumbHandler]") -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
