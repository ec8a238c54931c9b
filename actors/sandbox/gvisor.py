"""A sandbox of the gvisor tier: a kernel of its own in user space, kept by a template as others."""

import os
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from actors.sandbox.channel import Reply
from actors.sandbox.files import SandboxFiles
from actors.sandbox.guest_calls import GuestCalls
from actors.sandbox.guest_memory import GuestMemory
from actors.sandbox.inside import bundle, messages
from actors.sandbox.namespace import NamespaceSandbox, is_told
from actors.sandbox.template import TemplateKind
from actors.sandbox.users import Users
from actors.sandbox.watchdog import MemoryWatchdog
from harness.domain.sandbox import Bind, Reason
from harness.errors import TierUnavailable

if TYPE_CHECKING:
    from asyncio import Future

HERE = Path(__file__).parent
RUNSC = "runsc"
SPARE_BYTES = 192 << 20
"""Of gVisor's own three processes, beside what it keeps for the guest."""
SPARE_PROCESSES = 512
"""Threads of those, and what stands for the guest's processes on the host."""
QUOTED_BYTES = 500
INSTALL = (
    "Install a release of runsc (https://gvisor.dev/docs/user_guide/install) on every node, on the "
    "PATH or named by ATH_RUNSC."
)
ROOT = "Begin the platform as root of the machine, or choose the tier namespace."


def gvisor_kind(runsc: str, users: Users) -> TemplateKind:
    """Templates of gVisor sandboxes.

    Args:
        runsc: a path, or a name on the PATH.
        users: whom sandboxes run as.

    Raises:
        TierUnavailable: there is no such program, or no user for a sandbox.
    """
    found = shutil.which(runsc)
    if found is None:
        raise TierUnavailable("gvisor", ["runsc"], f"There is no program {runsc}.", INSTALL)
    if not users.available:
        raise TierUnavailable(
            "gvisor", ["own_user"], "Only root of the machine can begin its sandboxes.", ROOT
        )
    return TemplateKind(
        script=HERE / "inside" / "gvisor.py",
        sandbox=GvisorSandbox,
        binds=(
            Bind(str(Path(found).resolve()), bundle.RUNSC),
            Bind(str(HERE), f"{bundle.PLACE}/actors/sandbox"),
        ),
        spare_bytes=SPARE_BYTES,
        spare_processes=SPARE_PROCESSES,
        counts_processes=True,
    )


@dataclass(slots=True)
class GvisorSandbox(NamespaceSandbox):
    """Commands, files and sockets of one sandbox; see `Sandbox`."""

    _words: int = -1
    _workspace: int = -1
    _calls: list[GuestCalls] = field(default_factory=list)

    async def listen(self, ports: Sequence[int]) -> Sequence[socket.socket]:
        """Unix sockets out here, on which those arrive who connect to these ports inside."""
        calls, theirs = GuestCalls.open(ports)
        try:
            with theirs:
                await self._channel.ask("listen", [theirs.fileno()], ports=list(ports))
        except BaseException:
            calls.close()
            for one in calls.listeners:
                one.close()
            raise
        self._calls.append(calls)
        return calls.listeners

    async def connect(self, port: int) -> socket.socket:
        """A Unix socket that leads to a server inside; it ends at once where there is none."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                await self._channel.ask("connect", [theirs.fileno()], port=port)
        except BaseException:
            ours.close()
            raise
        return ours

    def judges(self, reply: Reply | None) -> Reason:
        """See `Keeper`; processes are counted by the guest's own kernel."""
        judged = NamespaceSandbox.judges(self, reply)
        if judged is Reason.EXIT and reply is not None and reply.event.get("crowded"):
            failed = os.waitstatus_to_exitcode(int(reply.event["status"])) != 0
            return Reason.PIDS if failed else Reason.EXIT
        return judged

    async def _give_up(self, born: "Future[Reply]", ready: "Future[Reply]") -> str:
        said = ""
        if self._handle < 0 and is_told(born):
            self._take(born.result())
            said = f"gVisor said: {_last(self._words)}"
        await self.close()
        return said

    def _begin(self, born: Reply, ready: Reply) -> None:
        self._take(born)
        self._files = SandboxFiles(os.dup(self._workspace), self._parts.user)
        memory, limit = GuestMemory(self._workspace), self.spec.limits.memory_bytes
        self._watchdog = MemoryWatchdog(self.pid, limit, self._out_of_memory, memory.measure)
        self.set_timeout(self.spec.lifetime_seconds)

    def _take(self, born: Reply) -> None:
        self.pid = int(born.event["pid"])
        self._handle, self._words, self._workspace = born.descriptors

    async def _clean(self) -> None:
        await NamespaceSandbox._clean(self)
        for calls in self._calls:
            calls.close()
        messages.close_all([one for one in (self._words, self._workspace) if one >= 0])


def _last(words: int) -> str:
    """What gVisor, or the guest before it was up, had to say at its end."""
    size = os.fstat(words).st_size
    text = os.pread(words, QUOTED_BYTES, max(0, size - QUOTED_BYTES)).decode(errors="replace")
    return text.strip() or "nothing."
