"""Who connects to a port of a gVisor guest, brought to a socket that listens on the host."""

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.sandbox.inside import messages

BACKLOG = 128


@dataclass(slots=True)
class GuestCalls:
    """Answers each call of the guest's relay with a connection to one of its sockets."""

    listeners: Sequence[socket.socket]
    """To be accepted on by somebody else, and closed by them."""
    _socket: socket.socket
    _places: dict[int, int]
    """By port, a handle of its socket's name, which is in no folder any more."""

    @classmethod
    def open(cls, ports: Sequence[int]) -> tuple["GuestCalls", socket.socket]:
        """One that answers from now on, and the guest's end; needs a running event loop."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        made = {port: _listener() for port in dict.fromkeys(ports)}
        places = {port: place for port, (_, place) in made.items()}
        calls = cls([made[port][0] for port in ports], ours, places)
        ours.setblocking(False)
        asyncio.get_running_loop().add_reader(ours, calls._hear)
        return calls, theirs

    def close(self) -> None:
        """Answer no more."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            messages.close_all(list(self._places.values()))

    def _hear(self) -> None:
        try:
            event, descriptors = messages.receive(self._socket)
            messages.close_all(descriptors)
            number, place = (0, 0) if event is None else (int(event["id"]), self._place(event))
        except BlockingIOError:
            return
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            event = None  # what comes from inside need not make sense
        if event is None:
            self.close()
            return
        with contextlib.suppress(OSError), _connection(place) as made:
            messages.send(self._socket, {"id": number}, [made.fileno()])
            return
        with contextlib.suppress(OSError):
            messages.send(self._socket, {"id": number}, [])

    def _place(self, event: dict[str, object]) -> int:
        port = event["port"]
        if not isinstance(port, int):
            raise TypeError("a port is a number")
        return self._places[port]


def _listener() -> tuple[socket.socket, int]:
    """Nobody finds it by a name: only the handle leads to it."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with tempfile.TemporaryDirectory(prefix="ath-guest-") as folder:
            path = Path(folder) / "s"
            made.bind(str(path))
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made, place


def _connection(place: int) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.setblocking(False)  # where too many wait already, one more is refused
        made.connect(f"/proc/self/fd/{place}")
    except OSError:
        made.close()
        raise
    return made
