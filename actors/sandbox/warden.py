"""Guards one process tree from its start to its complete end; run by path as `python -I -S`.

Standard library only. Reads one JSON line from its control socket, starts the command, answers
with one JSON line when nothing of it is left. When the control socket closes, everything ends:
a tree never outlives its host.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LOOK_SECONDS = 0.2
_EASY_SECONDS = 0.6
"""Between two looks at a tree that uses less than a third of its memory: a browser has hundreds of
threads, and asking each for its children takes the time of tests."""
_SWEEP_SECONDS = 0.002
_PAGE = os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Guard what the first message describes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    first = _line(control)
    if first is not None:
        Warden(control, json.loads(first)).guard()


class Warden:
    """One tree: its log, its limits, its end."""

    def __init__(self, control: socket.socket, spec: dict[str, Any]) -> None:
        self._control = control
        self._spec = spec
        self._reason = "exit"
        self._peak = 0
        self._status: int | None = None
        self._kill_at: float | None = None
        self._weigh_at = 0.0
        self._usage: resource.struct_rusage | None = None
        self._ends_at = _soon(spec.get("deadline_seconds"))

    def guard(self) -> None:
        """Start it, watch it, end it, tell."""
        reader, writer = os.pipe()
        self._log = Log(self._spec["log"], self._spec["log_bytes"])
        self._child = self._start(writer)
        os.close(writer)
        wake, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker)
        self._send({"ev": "started", "pid": self._child})
        self._watch(reader, wake)
        self._sweep()
        os.set_blocking(reader, False)
        self._drain(reader)
        self._log.close()
        self._send(self._result())

    def _start(self, output: int) -> int:
        pid = os.fork()
        if pid:
            for fd in (*self._spec["fds"], *(self._spec["stdio"] or ())):
                os.close(fd)
            return pid
        try:
            self._become(output)
        except BaseException as error:
            ear = self._spec["stdio"][2] if self._spec["stdio"] else output
            os.write(ear, f"cannot start {self._spec['argv'][0]!r}: {error}\n".encode())
        os._exit(127)

    def _become(self, output: int) -> None:
        spec = self._spec
        os.setsid()
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate(spec["stdio"] or (null, output, output)):
            os.dup2(source, target)
        _limit(spec["rlimits"])
        os.chdir(spec["cwd"])
        if spec["write_roots"] is not None:
            _confine(spec)
        for fd in [int(name) for name in os.listdir("/proc/self/fd")]:
            with contextlib.suppress(OSError):
                os.set_inheritable(fd, fd <= 2 or fd in spec["fds"])
        os.execve(spec["argv"][0], spec["argv"], spec["env"])

    def _watch(self, reader: int, wake: int) -> None:
        looked = 0.0
        waiting: list[Any] = [reader, wake, self._control]
        while self._status is None:
            ready, _, _ = select.select(waiting, [], [], _LOOK_SECONDS)
            if reader in ready and not self._take_output(reader):
                waiting.remove(reader)
            if wake in ready:
                os.read(wake, 512)
            if self._control in ready:
                self._take_command()
            self._reap()
            now = time.monotonic()
            if now - looked >= _LOOK_SECONDS:
                looked = now
                self._check(now)

    def _take_output(self, reader: int) -> bool:
        data = os.read(reader, 1 << 16)
        self._log.write(data)
        return bool(data)

    def _take_command(self) -> None:
        line = _line(self._control)
        if line is None:
            self._end("host_lost")
            return
        command = json.loads(line)
        if command["op"] == "interrupt":
            self._reason = command["reason"]
            self._kill_at = time.monotonic() + command["grace_seconds"]
            _signal(self._child, signal.SIGINT)
        else:
            self._end(command["reason"])

    def _check(self, now: float) -> None:
        if now >= self._weigh_at and self._is_too_large(now):
            self._end("oom")
        elif self._ends_at is not None and now > self._ends_at:
            self._end("timeout")
        elif self._kill_at is not None and now > self._kill_at:
            self._end(self._reason)

    def _is_too_large(self, now: float) -> bool:
        memory, most = sum(_memory(pid) for pid in _below(os.getpid())), self._spec["memory_bytes"]
        self._peak = max(self._peak, memory)
        self._weigh_at = now + (_EASY_SECONDS if memory * 3 < most else 0.0)
        return bool(memory > most)

    def _end(self, reason: str) -> None:
        self._reason = reason
        for pid in _below(os.getpid()):
            _signal(pid, signal.SIGKILL)

    def _sweep(self) -> None:
        """Kill what is left: as subreaper, this process is the parent of every orphan.

        Only having no child says that nothing is left. A look at the tree may miss the children of
        a process that ends meanwhile.
        """
        while self._reap():
            for pid in _children(os.getpid()):
                _signal(pid, signal.SIGKILL)  # at once: it may pass its life on meanwhile
            for pid in _below(os.getpid()):
                _signal(pid, signal.SIGKILL)
            time.sleep(_SWEEP_SECONDS)

    def _reap(self) -> bool:
        """Collect who has ended; whether there are children left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._child:
                self._status = status
                self._usage = usage

    def _drain(self, reader: int) -> None:
        try:
            while self._take_output(reader):
                continue
        except BlockingIOError:
            return

    def _result(self) -> dict[str, Any]:
        code = os.waitstatus_to_exitcode(self._status or 0)
        usage = self._usage
        return {
            "ev": "ended",
            "exit_code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "reason": self._reason,
            "peak_bytes": self._peak,
            "cpu_seconds": usage.ru_utime + usage.ru_stime if usage else 0.0,
            "output_bytes": self._log.size,
        }

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return


class Log:
    """A file of bounded size: the head, then the latest of the rest."""

    def __init__(self, path: str, limit: int) -> None:
        self._file = open(path, "wb")
        self._head = limit // 2
        self._tail = bytearray()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Keep what fits; a full disk costs the log, never the run."""
        room = max(0, self._head - self.size)
        self.size += len(data)
        try:
            if room:
                self._file.write(data[:room])
                self._file.flush()
        except OSError:
            return
        self._tail += data[room:]
        if len(self._tail) > 2 * self._head:
            del self._tail[: -self._head]

    def close(self) -> None:
        """Write the tail with a note of what is missing before it."""
        try:
            if self.size - self._head > self._head:
                note = f"\n… {self.size - 2 * self._head} bytes left out …\n"
                self._file.write(note.encode())
            self._file.write(self._tail[-self._head :])
            self._file.close()
        except OSError:
            return


def _confine(spec: dict[str, Any]) -> None:
    """Only here, so that a command without protection starts without these imports."""
    here = os.path.abspath(__file__)
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(here))))
    from actors.sandbox import landlock, seccomp, syscalls
    from actors.sandbox.inside import kernel

    landlock.no_new_privileges()
    if spec["strict"]:
        kernel.drop_capabilities()
    landlock.confine(spec["write_roots"], spec["read_roots"], alone=spec["strict"])
    arch = syscalls.this_architecture()
    if arch is not None:
        wanted = seccomp.STRICT if spec["strict"] else seccomp.SUITE
        seccomp.install(seccomp.assemble(wanted, arch))
    elif spec["strict"]:
        raise OSError(f"no table of system calls for {os.uname().machine}")


def _limit(limits: dict[str, int]) -> None:
    for name, limit in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        ceiling = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (ceiling, ceiling))


def _line(control: socket.socket) -> bytes | None:
    """One line of the control socket; None when the host is gone."""
    data = b""
    while not data.endswith(b"\n"):
        try:
            part = control.recv(1 << 16)
        except OSError:
            return None
        if not part:
            return None
        data += part
    return data


def _below(root: int) -> list[int]:
    """Every living descendant."""
    found, queue = [], [root]
    while queue:
        children = _children(queue.pop())
        found += children
        queue += children
    return [pid for pid in found if not _is_zombie(pid)] if root == os.getpid() else found


def _children(pid: int) -> list[int]:
    """Of all its threads; fewer, or none, when it ends meanwhile."""
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
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return True


def _memory(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            words = file.read().split()
    except OSError:
        return 0
    return max(0, int(words[1]) - int(words[2])) * _PAGE


def _signal(pid: int, signum: int) -> None:
    try:
        os.kill(pid, signum)
    except OSError:
        return


def _soon(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


if __name__ == "__main__":
    main()
