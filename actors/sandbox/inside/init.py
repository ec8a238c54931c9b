"""The first process of a sandbox: starts commands, ends their trees, hands out sockets.

It trusts the host and nobody inside: it is not dumpable, its descriptors reach no command, and
signals from inside do nothing to it.
"""

import contextlib
import os
import select
import signal
import socket
import time
from typing import Any

from actors.sandbox.inside import kernel, messages, program, tree

DEAF_TO = (1, 2, 3, 10, 12, 13, 14, 15)
"""Signals that its template ignores, and with it every first process."""
CLEAN_SECONDS = 2.0
"""How long killed processes may take to vanish before the result is told anyway."""
_ROUNDS = 50
_LOOK_SECONDS = 0.005
_BACKLOG = 128


class Init:
    """What the host asks of one sandbox."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._commands: dict[int, int] = {}
        """Process number to the command's id."""
        self._wake = _harden()

    def serve(self) -> None:
        """Until the host closes its end; then the whole sandbox ends with this process."""
        workspace = os.open(tree.WORKSPACE, os.O_PATH | os.O_DIRECTORY)
        messages.send(self._control, {"ev": "ready"}, [workspace])
        os.close(workspace)
        self._answer()

    def _answer(self) -> None:
        """What is asked, and who ended."""
        while True:
            ready = _readable(self._control.fileno(), self._wake)
            if self._wake in ready:
                os.read(self._wake, 512)
                self._reap()
            if self._control.fileno() in ready and not self._take():
                return

    def _take(self) -> bool:
        request, descriptors = messages.receive(self._control)
        if request is None:
            return False
        try:
            getattr(self, "_op_" + request["op"])(request, descriptors)
        except OSError as trouble:
            self._tell({"ev": "failed", "id": request["id"], "error": str(trouble)})
        messages.close_all(descriptors)
        return True

    def _op_exec(self, request: dict[str, Any], descriptors: list[int]) -> None:
        # While it is spawned this process waits, and whoever else is inside could prolong that.
        is_alone = not self._commands and not _children(os.getpid())
        pid = program.spawned(request, descriptors) if is_alone else None
        if pid is None:
            pid = os.fork()
            if pid == 0:
                program.become(request, descriptors)
        self._commands[pid] = request["id"]

    def _op_signal(self, request: dict[str, Any], _: list[int]) -> None:
        for pid in self._of(request["command"]):
            _send(-pid, request["signum"])

    def _op_end(self, request: dict[str, Any], _: list[int]) -> None:
        """Kill a command with all it started; its result is told when it is reaped."""
        for pid in self._of(request["command"]):
            if len(self._commands) == 1:
                _send(-1, signal.SIGKILL)  # at once for all: no fork escapes it
            else:
                _kill_below(pid)

    def _op_pause(self, request: dict[str, Any], _: list[int]) -> None:
        _send(-1, signal.SIGSTOP)
        self._tell({"ev": "done", "id": request["id"]})

    def _op_resume(self, request: dict[str, Any], _: list[int]) -> None:
        _send(-1, signal.SIGCONT)
        self._tell({"ev": "done", "id": request["id"]})

    def _op_listen(self, request: dict[str, Any], _: list[int]) -> None:
        """Sockets that listen inside, for the host to accept on."""
        made: list[socket.socket] = []
        try:
            for port in request["ports"]:
                made.append(listener(port))  # noqa: PERF401 - what was made is closed below
            fds = [one.fileno() for one in made]
            self._tell({"ev": "done", "id": request["id"]}, fds)
        finally:
            for one in made:
                one.close()

    def _op_connect(self, request: dict[str, Any], _: list[int]) -> None:
        """A connection to a server inside; it may still be under way."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
            made.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                made.connect(("127.0.0.1", request["port"]))
            self._tell({"ev": "done", "id": request["id"]}, [made.fileno()])

    def _of(self, command: int) -> list[int]:
        return [pid for pid, known in self._commands.items() if known == command]

    def _reap(self) -> None:
        """Tell which commands ended, after all that no running command owns was ended, too."""
        ended = self._collect()
        if not ended:
            return
        full, facts = tree.full_volumes(), self._facts()
        left = self._clean(ended)
        for command, status, usage in ended:
            used = {"cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}
            told = {"ev": "ended", "id": command, "status": status, "full": full, "left": left}
            self._tell(told | used | facts)

    def _facts(self) -> dict[str, Any]:
        """What else is to be told of a command that ended just now."""
        return {}

    def _collect(self) -> list[Any]:
        """Commands among the children that ended: id, status and usage of each."""
        found = []
        with contextlib.suppress(ChildProcessError):
            while (one := os.wait4(-1, os.WNOHANG))[0]:
                command = self._commands.pop(one[0], None)
                if command is not None:
                    found.append((command, one[1], one[2]))
        return found

    def _clean(self, ended: list[Any]) -> int:
        """End every orphan; says how many are still there."""
        until = time.monotonic() + CLEAN_SECONDS
        while orphans := [pid for pid in _children(os.getpid()) if pid not in self._commands]:
            if time.monotonic() > until:
                break
            if self._commands:
                for pid in orphans:
                    _kill_below(pid)
            else:
                _send(-1, signal.SIGKILL)
            if select.select([self._wake], [], [], _LOOK_SECONDS)[0]:
                os.read(self._wake, 512)
            ended += self._collect()
        return len(orphans)

    def _tell(self, event: dict[str, Any], descriptors: list[int] | None = None) -> None:
        with contextlib.suppress(OSError):  # the host is gone: the next receive ends this
            messages.send(self._control, event, descriptors or [])


def _harden() -> int:
    """Be deaf and opaque; gives what becomes readable when a child ends."""
    wake, waker = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    kernel.hear(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    kernel.set_dumpable(dumpable=False)
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the listing itself is closed by now
            os.set_inheritable(int(name), False)
    return wake


def _readable(*descriptors: int) -> list[int]:
    return select.select(descriptors, [], [])[0]


def _kill_below(root: int) -> None:
    """Kill a tree from its root down until no living process is found in it."""
    _send(root, signal.SIGSTOP)
    for _ in range(_ROUNDS):
        below = _descendants(root)
        for pid in below:
            _send(pid, signal.SIGKILL)
        if not below:
            break
    _send(root, signal.SIGKILL)


def _descendants(root: int) -> list[int]:
    found, queue = [], [root]
    while queue:
        children = _children(queue.pop())
        found += children
        queue += children
    return [pid for pid in found if not _is_zombie(pid)]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        return found
    return found


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in {b"Z", b"X"}
    except OSError:
        return True


def listener(port: int) -> socket.socket:
    """A socket that listens on the sandbox's own loopback."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        made.listen(_BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def _send(pid: int, signum: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signum)
