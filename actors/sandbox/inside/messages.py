"""Messages with descriptors over a sequential-packet socket; both sides speak through this."""

import array
import contextlib
import json
import os
import socket
from typing import Any

MOST_BYTES = 160 << 10
"""Below what the kernel takes as one packet by default."""
MOST_DESCRIPTORS = 64
_INT_BYTES = array.array("i").itemsize


def send(channel: socket.socket, message: dict[str, Any], descriptors: list[int]) -> None:
    """Send one message.

    Raises:
        OSError: nobody listens, or the message is too large.
    """
    data = json.dumps(message, separators=(",", ":")).encode()
    if descriptors:
        socket.send_fds(channel, [data], descriptors)
    else:
        channel.sendall(data)


def receive(channel: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """One message and its descriptors; None when the other side is gone.

    Raises:
        ValueError: it is no JSON; its descriptors are closed.
    """
    room = socket.CMSG_SPACE(MOST_DESCRIPTORS * _INT_BYTES)
    try:
        # `socket.recv_fds` drops its flags (Python 3.11), and descriptors would be inherited.
        data, ancillary, _, _ = channel.recvmsg(MOST_BYTES + 1, room, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return None, []
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(payload[: len(payload) - len(payload) % _INT_BYTES])
    if not data:
        return None, list(descriptors)
    try:
        return json.loads(data), list(descriptors)
    except ValueError:
        close_all(list(descriptors))
        raise


def close_all(descriptors: list[int]) -> None:
    """Close each, whatever becomes of another."""
    for one in descriptors:
        with contextlib.suppress(OSError):
            os.close(one)
