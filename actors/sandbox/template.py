"""The host's side of a template process: it is asked for sandboxes."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from actors.sandbox.cgroup import Group, GroupRoots
from actors.sandbox.inside import messages
from actors.sandbox.namespace import NamespaceSandbox, Parts
from actors.sandbox.users import Users
from harness.domain.sandbox import WORKSPACE, Bind, Limits, SandboxSpec
from harness.errors import InvalidInput, TierUnavailable, Unavailable

SCRIPT = Path(__file__).parent / "inside" / "template.py"
START_SECONDS = 15.0
SPARE_PROCESSES = 16
QUOTED_BYTES = 500
_TAKEN = (
    *(WORKSPACE, "/tmp", "/dev", "/proc"),  # noqa: S108 - places inside a sandbox
    *("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/run/ath", sys.base_prefix),
)
"""What sandboxes have for themselves, and what all of them see."""


@dataclass(frozen=True, slots=True)
class TemplateKind:
    """What a tier's templates do otherwise than another's."""

    script: Path | None = None
    """The namespace tier's unless it is another."""
    sandbox: type[NamespaceSandbox] = NamespaceSandbox
    binds: Sequence[Bind] = ()
    """Beside those of a tenant."""
    spare_bytes: int = 0
    """What serves a sandbox may use these beside the sandbox's own limits."""
    spare_processes: int = 0
    counts_processes: bool = False
    """Whether a sandbox's own kernel tells when there is one too many."""


@dataclass(slots=True)
class Template:
    """One process that forks sandboxes which see the same files."""

    _process: "subprocess.Popen[bytes]"
    _control: socket.socket
    _roots: GroupRoots | None
    _users: Users
    _kind: TemplateKind

    @classmethod
    async def start(
        cls,
        binds: Sequence[Bind],
        roots: GroupRoots | None,
        users: Users,
        kind: TemplateKind | None = None,
    ) -> "Template":
        """Start it, and let it prepare what its sandboxes will see.

        Args:
            binds: which files of the host's they see, beside what all see.
            roots: where cgroups can be made.
            users: whom its sandboxes run as.
            kind: of the namespace tier unless another's is given.

        Raises:
            TierUnavailable: the kernel or the container around us does not allow it.
            InvalidInput: a bind is of nothing, or at a place that sandboxes have already.
            Unavailable: it died, or did not answer in time.
        """
        kind = kind or TemplateKind()
        for bind in binds:
            _check(bind)
        binds = [*kind.binds, *binds]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        complaints = os.memfd_create("complaints", os.MFD_CLOEXEC)
        with theirs, os.fdopen(complaints, "r+b") as told:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(kind.script or SCRIPT), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                env={},
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()  # or its end would not be heard
            template = cls(process, ours, roots, users, kind)
            message = {"binds": [asdict(one) for one in binds], "own_users": users.available}
            try:
                messages.send(ours, message, [])
                await template._hear_ready(told)
            except BaseException:
                template.close()
                raise
        return template

    async def spawn(self, spec: SandboxSpec) -> NamespaceSandbox:
        """A fresh sandbox.

        Raises:
            Unavailable: it did not come up in time, or the machine is out of something.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        group = self._group(spec.limits)
        user = self._users.take()
        entries = group.entries() if group else ()
        request = {"user": user, "limits": self._inside(spec.limits, group)}
        try:
            messages.send(self._control, request, [theirs.fileno(), *entries])
        except OSError as trouble:
            ours.close()
            self._users.give_back(user)
            if group is not None:
                group.try_remove()
            raise Unavailable("The template of sandboxes takes no request; ask again.") from trouble
        finally:
            theirs.close()
            messages.close_all(list(entries))
        return await self._kind.sandbox.meet(ours, spec, Parts(group, user, self._users))

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it with every sandbox that it forked."""
        self._control.close()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _group(self, limits: Limits) -> Group | None:
        if self._roots is None:
            return None
        wide = replace(
            limits,
            memory_bytes=limits.memory_bytes + self._kind.spare_bytes,
            processes=limits.processes + self._kind.spare_processes,
        )
        try:
            return self._roots.create(wide)
        except OSError as trouble:
            raise Unavailable(f"No cgroup could be made for a sandbox: {trouble}.") from trouble

    def _inside(self, limits: Limits, group: Group | None) -> dict[str, object]:
        """Where a cgroup counts processes it must be asked first: it tells and rlimits do not."""
        spare = SPARE_PROCESSES if group else 1
        spare = 0 if self._kind.counts_processes else spare
        return asdict(limits) | {"processes": limits.processes + spare}

    async def _hear_ready(self, told: BinaryIO) -> None:
        reading = asyncio.to_thread(messages.receive, self._control)
        self._control.settimeout(START_SECONDS)
        try:
            event, _ = await reading
        except TimeoutError:
            event = None
        self._control.setblocking(False)
        if event is None:
            told.seek(0)
            last = told.read()[-QUOTED_BYTES:].decode(errors="replace").strip()
            raise Unavailable(f"The template of sandboxes did not start: {last or 'no word'}")
        if event["ev"] != "ready":
            raise _unavailable(event["error"])


def _check(bind: Bind) -> None:
    target = Path(os.path.normpath(bind.target))
    taken = any(target.is_relative_to(one) for one in _TAKEN)
    if taken or str(target) != bind.target or not target.is_absolute() or str(target) == "/":
        raise InvalidInput(f"Nothing can be bound at {bind.target!r} in a sandbox.")
    if not Path(bind.source).exists():
        raise InvalidInput(f"{bind.source} is not there, so it cannot be bound into a sandbox.")


def _unavailable(reason: str) -> TierUnavailable:
    return TierUnavailable(
        "namespace",
        ["namespaces"],
        f"{reason}.",
        "Allow user namespaces (sysctl user.max_user_namespaces, a container's seccomp profile "
        "and an unmasked /proc), or choose the tier process.",
    )
