"""One socket, one JSON object a line, in ASCII so that lone surrogates survive."""

import fcntl
import json
import os
import socket

_HIGH_FD = 200


class Wire:
    """Both ends may send at any time; receiving blocks."""

    def __init__(self, channel):
        self._channel = channel
        self._buffer = b""
        self._held = b""
        self._fds = []

    @classmethod
    def adopt(cls, fd):
        """Take over an inherited descriptor and move it out of the way of the suite's own."""
        try:
            high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH_FD)
        except OSError:
            high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
        os.close(fd)
        return cls(socket.socket(fileno=high))

    def fileno(self):
        """For waiting."""
        return self._channel.fileno()

    def close(self):
        """Give the socket back."""
        self._channel.close()

    def hold(self, message):
        """Send one message together with the next, or before waiting for one."""
        self._held += json.dumps(message).encode("ascii") + b"\n"

    def send(self, message):
        """Send one message; a host that went away is no error, for the end is near anyway."""
        self.hold(message)
        self._flush()

    def _flush(self):
        held, self._held = self._held, b""
        try:
            self._channel.sendall(held)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def receive(self):
        """The next message, or None when the host is gone. Descriptors sent along: `take_fd`."""
        while b"\n" not in self._buffer:
            self._flush()
            try:
                data, fds, _, _ = socket.recv_fds(self._channel, 1 << 16, 4)
            except ConnectionResetError:
                return None
            self._fds += fds
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def has_message(self):
        """Whether `receive` would return at once from what was read already."""
        return b"\n" in self._buffer

    def take_fd(self):
        """The oldest descriptor that came along and was not taken."""
        return self._fds.pop(0)
