"""A place for steps to run in."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import SHUT_RDWR, create_server, socket
from threading import Thread
from typing import Any

from actors.specs.allow_list import AllowList
from actors.specs.budget import Allowance, Budget
from actors.specs.context import StepContext, TestContext
from actors.specs.http import HttpSession
from actors.specs.recorder import Record, Recorder
from actors.specs.redaction import Redactor
from harness.ports.clock import Clock, SystemClock

ENVIRON = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}

SESSIONS: list[HttpSession] = []
"""Closed after each test."""


def a_test(
    folder: Path,
    base_url: str = "",
    *,
    allow: list[str] | None = None,
    budget: Budget | None = None,
    clock: Clock | None = None,
    fixture: Callable[[str], Any] = lambda name: None,  # Any: a fixture may be anything
) -> TestContext:
    """A test whose spec lies in this folder."""
    clock = clock or SystemClock()
    SESSIONS.append(HttpSession())
    return TestContext(
        folder=folder,
        root=folder,
        base_url=base_url,
        clock=clock,
        recorder=Recorder(clock, Redactor()),
        allow=AllowList(allow, base_url),
        allowance=Allowance(budget or Budget(), clock.monotonic()),
        fixture=fixture,
        http=SESSIONS[-1],
        environ=ENVIRON,
    )


def a_step(test: TestContext, seconds: float = 20, step_id: str | None = None) -> StepContext:
    """One try of a step of this test."""
    record = Record("api", "step", 0.0)
    return StepContext(test, record, test.clock.monotonic() + seconds, step_id)


@contextmanager
def server(answer: Callable[[socket, bytes], None]) -> Iterator[str]:
    """The address of a server that is as good or bad as `answer`, called with each request."""
    listener = create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket) -> None:
        with connection:
            try:
                while request := _request(connection):
                    answer(connection, request)
            except OSError:
                return

    Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(SHUT_RDWR)
        listener.close()


def _request(connection: socket) -> bytes:
    request = connection.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length.group(1)):
        more = connection.recv(65536)
        request, body = request + more, body + more
    return request


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
