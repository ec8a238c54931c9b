"""Messages with descriptors over a sequential-packet socket; both sides speak through this."""

import contextlib
import json
import os
import socket
from typing import Any

MOST_BYTES = 160 << 10
"""Below what the kernel takes as one packet by default."""
MOST_DESCRIPTORS = 64


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


def receive(channel: socket.socket, flags: int = 0) -> tuple[dict[str, Any] | None, list[int]]:
    """One message and its descriptors; None when the other side is gone."""
    try:
        data, descriptors, _, _ = socket.recv_fds(
            channel, MOST_BYTES + 1, MOST_DESCRIPTORS, flags | socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionError:
        return None, []
    if not data:
        return None, []
    return json.loads(data), list(descriptors)


def close_all(descriptors: list[int]) -> None:
    """Close each, whatever becomes of another."""
    for one in descriptors:
        with contextlib.suppress(OSError):
            os.close(one)
