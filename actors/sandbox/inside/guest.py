"""The first process of a gVisor guest; run by path as `python -I -S`, without an environment.

It stays the guest's root, with little of what a root may: gVisor lets whoever has the user of a
first process end that.
"""

import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, NoReturn

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(_HERE))))

from actors.sandbox import seccomp, syscalls  # noqa: E402
from actors.sandbox.inside import bundle, init, kernel, messages, program  # noqa: E402

if TYPE_CHECKING:  # loading asyncio takes longer than everything else
    from actors.sandbox.inside.relay import Relay

SPARE_PROCESSES = 3
"""This one, the thread of its relay, and a process that begins while others are ended."""
_NEARLY = 2
"""So many less than all are there once who met the limit has ended."""


_KEPT = (5, 6, 7)
"""CAP_KILL, CAP_SETGID and CAP_SETUID."""


class Guest(init.Init):
    """As in any sandbox, but what it opens cannot be passed out of gVisor."""

    def __init__(self, control: socket.socket, processes: int) -> None:
        """Nothing listens."""
        super().__init__(control)
        self._processes = processes
        self._relay: Relay | None = None

    def serve(self) -> None:
        """Until the host closes its end; then the whole sandbox ends with this process."""
        os.dup2(0, 2)  # nobody reads any more what goes wrong
        messages.send(self._control, {"ev": "ready"}, [])
        self._answer()

    def _op_exec(self, request: dict[str, Any], descriptors: list[int]) -> None:
        pid = os.fork()
        if pid == 0:
            _become(request, descriptors)
        self._commands[pid] = request["id"]

    def _op_listen(self, request: dict[str, Any], descriptors: list[int]) -> None:
        made: list[socket.socket] = []
        try:
            for port in request["ports"]:
                made.append(init.listener(port))  # noqa: PERF401 - what was made is closed below
        except OSError:
            for one in made:
                one.close()
            raise
        self._relays().listen(made, socket.socket(fileno=os.dup(descriptors[0])))
        self._tell({"ev": "done", "id": request["id"]})

    def _op_connect(self, request: dict[str, Any], descriptors: list[int]) -> None:
        self._relays().connect(request["port"], socket.socket(fileno=os.dup(descriptors[0])))
        self._tell({"ev": "done", "id": request["id"]})

    def _relays(self) -> "Relay":
        if self._relay is None:
            from actors.sandbox.inside.relay import Relay

            self._relay = Relay()
        return self._relay

    def _facts(self) -> dict[str, Any]:
        with open(bundle.PIDS + "/pids.current") as file:
            crowded = int(file.read()) >= self._processes + SPARE_PROCESSES - _NEARLY
        return {"crowded": crowded}


def _become(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Whatever happens, this process never goes on as the first one's twin."""
    try:
        os.setgroups([])
        os.setresgid(bundle.USER, bundle.USER, bundle.USER)
        os.setresuid(bundle.USER, bundle.USER, bundle.USER)
        program.become(request, descriptors)
    finally:
        os._exit(program.NOT_STARTED)


def main() -> None:
    """Confine everything that will be inside, then serve."""
    first = json.loads(sys.argv[1])
    control, processes = socket.socket(fileno=first["control"]), first["processes"]
    del sys.path[-1]
    for signum in init.DEAF_TO:
        signal.signal(signum, signal.SIG_IGN)
    program.prepare()
    with open(bundle.PIDS + "/pids.max", "w") as file:
        file.write(str(processes + SPARE_PROCESSES))
    for place, options in first["volumes"].items():
        kernel.mount("tmpfs", place, "tmpfs", kernel.NOSUID | kernel.NODEV, options)
    kernel.drop_bounding_capabilities()
    kernel.keep_capabilities(*_KEPT)
    arch = syscalls.this_architecture()
    if arch is None:
        raise OSError(f"no table of system calls for {os.uname().machine}")
    seccomp.install(seccomp.assemble(seccomp.NAMESPACE, arch))
    Guest(control, processes).serve()


if __name__ == "__main__":
    main()
