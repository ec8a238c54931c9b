"""Keeps one Chromium and lends its DevTools pipe; run by path as `python -I -S`.

Standard library only. To whoever launches browsers this looks like a freshly started Chromium:
its door takes the launcher's ends of the pipe and passes bytes on, whatever the launcher's version.
Between two leases it disposes of every context and speaks with Chromium itself.
"""

import hmac
import json
import os
import queue
import select
import signal
import socket
import sys
import threading
from typing import Any

_CHUNK = 1 << 18
_OWN_NUMBERS = 1 << 30
"""Launchers count their commands from 1; a late reply to one must not pass for another."""
_CALL_SECONDS = 5.0
_KNOCK_SECONDS = 1.0
_GRACE_SECONDS = 0.5
_START_SECONDS = 60.0
_LINE = 4096
_LASTING = (b"attachToBrowserTarget", b"Tracing.start")
"""What outlives the contexts of a lease; a browser that was asked for one is not lent again."""


def main() -> None:
    """Keep what the first message describes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    first = control.makefile("rb").readline()
    if first:
        Keeper(control, json.loads(first)).keep()


class Lease:
    """A launcher's ends of the DevTools pipe, and the stand-in that brought them."""

    def __init__(self, stand_in: socket.socket, commands: int, replies: int) -> None:
        self.stand_in = stand_in
        self.is_over = False
        """The launcher has closed its browser."""
        self.is_reusable = True
        self.thread: threading.Thread | None = None
        self.commands = socket.socket(fileno=commands)
        self._replies = socket.socket(fileno=replies)
        for end in (self.commands, self._replies):
            end.setblocking(True)

    def reply(self, data: bytes) -> None:
        """Pass something on; a launcher that is gone needs nothing."""
        try:
            self._replies.sendall(data)
        except OSError:
            return

    def close(self) -> None:
        """Give everything back; whoever still reads or writes gets an error."""
        try:
            self.stand_in.sendall(b"bye\n")
        except OSError:
            pass
        for end in (self.commands, self._replies, self.stand_in):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.stand_in.close()


class Keeper:
    """One Chromium, its door, and at most one lease."""

    def __init__(self, control: socket.socket, spec: dict[str, Any]) -> None:
        self._control = control
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(spec["door"])
        self._door.listen(8)
        self._token = b""
        self._lease: Lease | None = None
        self._own = queue.SimpleQueue[dict[str, Any]]()
        self._number = _OWN_NUMBERS
        self._wake, self._waker = os.pipe()
        self._pid, self._to, self._from = _launch(spec["argv"], spec["env"])

    def keep(self) -> None:
        """Serve until Chromium or the host is gone."""
        threading.Thread(target=self._pass_replies, daemon=True).start()
        self._call("Browser.getVersion", seconds=_START_SECONDS)
        self._say({"ev": "ready", "pid": self._pid})
        while True:
            waiting: list[Any] = [self._control, self._door, self._wake]
            if self._lease:
                waiting.append(self._lease.stand_in)
            ready, _, _ = select.select(waiting, [], [])
            if self._control in ready:
                self._obey()
            if self._door in ready:
                self._admit()
            if self._wake in ready:
                os.read(self._wake, 64)
            lease = self._lease
            if lease and (lease.is_over or lease.stand_in in ready):
                self._part(is_cut=not lease.is_over and not self._hears_end())

    def _obey(self) -> None:
        data = self._control.recv(_LINE)
        if not data:
            _end()
        command = json.loads(data)
        if command["op"] == "lease":
            self._token = command["token"].encode()
            self._say({"ev": "leased"})
        elif self._lease or self._token:
            self._token = b""
            self._part()

    def _admit(self) -> None:
        """A token is good for one connection."""
        stand_in, _ = self._door.accept()
        stand_in.settimeout(_KNOCK_SECONDS)
        try:
            data, fds, _, _ = socket.recv_fds(stand_in, _LINE, 2)
        except OSError:
            data, fds = b"", []
        fits = bool(self._token) and hmac.compare_digest(data.strip(), self._token)
        if not fits or len(fds) != 2 or self._lease:
            for fd in fds:
                os.close(fd)
            stand_in.close()
            return
        self._token = b""
        stand_in.settimeout(None)
        try:
            lease = Lease(stand_in, fds[0], fds[1])
            stand_in.sendall(b"ok\n")
        except OSError:  # no sockets, or gone already: whoever waits becomes the real Chromium
            stand_in.close()
            self._part()
            return
        self._lease = lease
        lease.thread = threading.Thread(target=self._pass_commands, args=[lease], daemon=True)
        lease.thread.start()

    def _hears_end(self) -> bool:
        """Whether a launcher whose stand-in is gone has closed its browser, or is gone, too."""
        return bool(select.select([self._wake], [], [], _GRACE_SECONDS)[0])

    def _part(self, *, is_cut: bool = False) -> None:
        """End the lease, if there is one, and say whether the browser is as good as new."""
        lease, self._lease = self._lease, None
        if lease:
            lease.close()
            if lease.thread:
                # Commands of two writers would mix.
                lease.thread.join(_CALL_SECONDS)
                lease.is_reusable = lease.is_reusable and not lease.thread.is_alive()
        clean = lease is None or (lease.is_reusable and self._cleaned())
        self._say({"ev": "parted", "clean": clean, "cut": is_cut})

    def _cleaned(self) -> bool:
        found = self._call("Target.getBrowserContexts")
        for context in found.get("browserContextIds", []):
            self._call("Target.disposeBrowserContext", browserContextId=context)
        self._call("Target.setAutoAttach", autoAttach=False, waitForDebuggerOnStart=False)
        self._call("Target.setDiscoverTargets", discover=False)
        left = self._call("Target.getTargets").get("targetInfos")
        return left is not None and not any(target["type"] == "page" for target in left)

    def _call(self, method: str, seconds: float = _CALL_SECONDS, **params: object) -> Any:
        """The result of a command of the keeper's own; empty when there was none in time."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        _write(self._to, json.dumps(message).encode() + b"\0")
        try:
            while True:
                answer = self._own.get(timeout=seconds)
                if answer.get("id") == self._number:
                    return answer.get("result", {})
        except queue.Empty:
            return {}

    def _pass_commands(self, lease: Lease) -> None:
        """From the launcher to Chromium, but not its end."""
        closes, is_whole = False, True
        while not closes and (data := _received(lease.commands)):
            data, closes = _until_close(data)
            _write(self._to, data)
            is_whole = data.endswith(b"\0") if data else is_whole
            if any(word in data for word in _LASTING):
                lease.is_reusable = False
        # Chromium would take the rest of a command from the next launcher.
        lease.is_reusable = lease.is_reusable and is_whole
        lease.is_over = True
        os.write(self._waker, b"x")

    def _pass_replies(self) -> None:
        """From Chromium to the launcher, or to the keeper itself while there is none."""
        rest, is_cut = b"", False
        while data := _read(self._from):
            lease = self._lease
            if lease:
                lease.reply(data)
                rest, is_cut = b"", not data.endswith(b"\0")
                continue
            if is_cut:
                # The launcher had the beginning of this one.
                _, end, data = data.partition(b"\0")
                is_cut = not end
            *messages, rest = (rest + data).split(b"\0")
            for message in messages:
                if message.startswith(b'{"id":'):
                    self._own.put(json.loads(message))
        _end()

    def _say(self, message: dict[str, object]) -> None:
        try:
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            _end()


def _launch(argv: list[str], env: dict[str, str]) -> tuple[int, int, int]:
    """Chromium's pid, where it takes commands, where it replies."""
    commands, to = map(_high, os.pipe())
    from_, replies = map(_high, os.pipe())
    actions = [(os.POSIX_SPAWN_DUP2, commands, 3), (os.POSIX_SPAWN_DUP2, replies, 4)]
    pid = os.posix_spawn(argv[0], argv, env, file_actions=actions, setsigdef=[signal.SIGPIPE])
    os.close(commands)
    os.close(replies)
    return pid, to, from_


def _high(fd: int) -> int:
    """The same out of the way of what Chromium inherits."""
    import fcntl

    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)
    os.close(fd)
    return high


def _until_close(data: bytes) -> tuple[bytes, bool]:
    """The commands before `Browser.close`, and whether it is among them."""
    if b"Browser.close" not in data:
        return data, False
    passed = 0
    for message in data.split(b"\0"):
        try:
            found = json.loads(message)
        except ValueError:
            found = None
        if isinstance(found, dict) and found.get("method") == "Browser.close":
            return data[:passed], True
        passed += len(message) + 1
    return data, False


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        _end()


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, _CHUNK)
    except OSError:
        return b""


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(_CHUNK)
    except OSError:
        return b""


def _end() -> None:
    os._exit(1)


if __name__ == "__main__":
    main()
