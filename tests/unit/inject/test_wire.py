"""The suite's end of the socket."""

import json
import socket
from typing import Any

from harness.inject._ath_pytest.wire import Wire


def _pair() -> tuple[Any, socket.socket]:  # Any: the injected package is untyped
    theirs, ours = socket.socketpair()
    ours.settimeout(5)
    untyped: Any = Wire
    return untyped(theirs), ours


def _said(ours: socket.socket) -> list[str]:
    return [json.loads(line)["ev"] for line in ours.recv(1 << 16).splitlines()]


def test_held_message_goes_with_the_next() -> None:
    wire, ours = _pair()
    with ours:
        wire.hold({"ev": "finished"})
        wire.send({"ev": "started"})
        assert _said(ours) == ["finished", "started"]
        wire.close()


def test_held_message_goes_before_waiting() -> None:
    wire, ours = _pair()
    with ours:
        wire.hold({"ev": "finished"})
        ours.sendall(b'{"op": "finish"}\n')
        assert wire.receive() == {"op": "finish"}
        assert _said(ours) == ["finished"]
        wire.close()
