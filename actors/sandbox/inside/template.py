"""A process that forks sandboxes; run by path as `python -I -S`, with an empty environment.

It reads messages from its control socket: first what sandboxes of it see, then one message for
each sandbox, with the socket that the sandbox will listen to and the open files of its cgroups.
"""

import gc
import os
import signal
import socket
import sys
from typing import Any, NoReturn

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(_HERE))))

from actors.sandbox.inside import init, kernel, messages, namespaces, program, tree  # noqa: E402


def main(kind: "type[Template] | None" = None) -> None:
    """Prepare the tree, then fork whatever is asked for."""
    control = socket.socket(fileno=int(sys.argv[1]))
    del sys.path[-1]
    for signum in init.DEAF_TO:
        signal.signal(signum, signal.SIG_IGN)
    program.prepare()
    first, _ = messages.receive(control)
    if first is None:
        return
    try:
        _prepare(first)
    except OSError as trouble:
        messages.send(control, {"ev": "failed", "error": str(trouble)}, [])
        return
    messages.send(control, {"ev": "ready"}, [])
    os.dup2(0, 2)  # nobody reads any more what goes wrong; the host is told by messages
    (kind or Template)(control, first["binds"]).serve()


class Template:
    """One tenant's: whatever it forks sees the same files."""

    def __init__(self, control: socket.socket, binds: list[dict[str, Any]]) -> None:
        self._control = control
        self._pid = os.getpid()
        self._writable = [one["target"] for one in binds if one["writable"]]

    def serve(self) -> None:
        """Until the host closes its end."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        gc.collect()
        gc.freeze()
        while True:
            request, descriptors = messages.receive(self._control)
            if request is None:
                return
            if os.fork() == 0:
                self._spawn(request, descriptors)
            messages.close_all(descriptors)

    def _spawn(self, request: dict[str, Any], descriptors: list[int]) -> NoReturn:
        self._control.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        own = socket.socket(fileno=descriptors[0])
        try:
            self._separate(request, descriptors[1:], own)
        except OSError as trouble:
            messages.send(own, {"ev": "failed", "error": str(trouble)}, [])
        os._exit(0)

    def _separate(self, request: dict[str, Any], groups: list[int], own: socket.socket) -> None:
        namespaces.enter_groups(groups)
        namespaces.become(request["user"])
        if os.getppid() != self._pid:
            return  # the template ended before its end would have been told
        namespaces.separate()
        pid = os.fork()
        if pid == 0:
            self._first(request, own)
        handle = os.pidfd_open(pid)
        messages.send(own, {"ev": "born", "pid": pid}, [handle])
        os.close(handle)
        own.close()
        os.waitpid(pid, 0)

    def _first(self, request: dict[str, Any], own: socket.socket) -> NoReturn:
        kernel.die_with_parent(signal.SIGKILL)
        try:
            namespaces.confine(request["limits"], self._writable)
            init.Init(own).serve()
        except OSError as trouble:
            messages.send(own, {"ev": "failed", "error": str(trouble)}, [])
        os._exit(0)


def _prepare(first: dict[str, Any]) -> None:
    kernel.hide_command_line("template")
    os.umask(0o022)
    if first["own_users"]:
        kernel.unshare(kernel.NEWNS)
    else:
        user, group = os.geteuid(), os.getegid()
        kernel.unshare(kernel.NEWUSER | kernel.NEWNS)
        namespaces.map_user(0, user, 0, group)
    tree.build(first["binds"])


if __name__ == "__main__":
    main()
