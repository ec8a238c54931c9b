"""A process that begins gVisor sandboxes; run by path as `python -I -S`, without an environment.

As the template does, and with the same messages. Whatever serves a sandbox, its kernel too, runs
as users of the host's that nothing else runs as, in namespaces that have no network and no file
but those of the sandbox. Only the guest's own first process, `guest.py`, is seen from inside.
"""

import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(_HERE))))

from actors.sandbox.inside import bundle, kernel, messages, namespaces, template  # noqa: E402

_LEAVING = (
    kernel.NEWPID | kernel.NEWNET | kernel.NEWNS
    | kernel.NEWIPC | kernel.NEWUTS | kernel.NEWCGROUP
)  # fmt: skip
_CONTROL = 3


class Guests(template.Template):
    """One tenant's: whatever it begins sees the same files."""

    def _separate(self, request: dict[str, Any], groups: list[int], own: socket.socket) -> None:
        namespaces.enter_groups(groups)
        _become(request["user"])
        if os.getppid() != self._pid:
            return  # the template ended before its end would have been told
        kernel.unshare(_LEAVING)
        place = _mounted(request["limits"])
        workspace = os.open(place, os.O_PATH | os.O_DIRECTORY)
        words = os.memfd_create("words", os.MFD_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            os.dup2(words, 2)
            _serve(bundle.config(request["limits"], place, self._writable, _CONTROL), own)
        handle = os.pidfd_open(pid)
        messages.send(own, {"ev": "born", "pid": pid}, [handle, words, workspace])
        messages.close_all([handle, words, workspace])
        own.close()
        os.waitpid(pid, 0)


def _become(user: int) -> None:
    """Turn into a root of a user namespace that is one host's user, and its guest another."""
    reader, writer = os.pipe()
    mapped = os.getpid()
    mapper = os.fork()
    if mapper == 0:
        os.close(writer)
        os.read(reader, 1)
        _map(mapped, user)
    kernel.unshare(kernel.NEWUSER)
    os.close(reader)
    os.close(writer)
    _, status = os.waitpid(mapper, 0)
    if status:
        raise OSError("the users of a sandbox could not be mapped")
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    kernel.die_with_parent(signal.SIGKILL)


def _map(pid: int, user: int) -> NoReturn:
    """Still as the host's root, which alone may map two."""
    text = f"0 {bundle.keeper(user)} 1\n{namespaces.USER} {user} 1\n"
    try:
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{pid}/{name}", "w") as file:
                file.write(text)
    except OSError:
        os._exit(1)
    os._exit(0)


def _mounted(limits: dict[str, Any]) -> str:
    """The workspace, in a place that only who serves the guest sees."""
    private = kernel.NOSUID | kernel.NODEV
    kernel.mount("tmpfs", bundle.FOLDER, "tmpfs", private, "size=8m,mode=755")
    place = f"{bundle.FOLDER}/workspace"
    os.mkdir(place)
    kernel.mount("tmpfs", place, "tmpfs", private, bundle.workspace(limits))
    os.chown(place, namespaces.USER, namespaces.USER)
    return place


def _serve(config: dict[str, Any], own: socket.socket) -> NoReturn:
    """Become gVisor, as the first process of its own, so that nothing of it is left at its end."""
    kernel.die_with_parent(signal.SIGKILL)
    try:
        kernel.mount("proc", "/proc", "proc", kernel.NOSUID | kernel.NODEV | kernel.NOEXEC)
        os.mkdir(bundle.ROOT)
        kernel.mount("/", bundle.ROOT, "", kernel.BIND | kernel.RECURSIVE)
        os.mkdir(bundle.STATE)
        with open(f"{bundle.FOLDER}/config.json", "w") as file:
            json.dump(config, file)
        os.set_inheritable(own.fileno(), True)
        os.chdir("/")
        os.execve(bundle.RUNSC, bundle.command(own.fileno(), _CONTROL), {})
    except OSError as trouble:
        messages.send(own, {"ev": "failed", "error": str(trouble)}, [])
    os._exit(1)


if __name__ == "__main__":
    template.main(Guests)
