"""What an agent is to do, with what it is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actors.agents.packages import Packages
from harness.domain.account import Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.sandbox import Command, Limits, SandboxSpec
from harness.domain.sandbox_tier import Control, Hold

SPARE_SECONDS = 60.0
"""For what is done with a sandbox beside its command."""
DEMANDS = {
    Control.READ_PROTECTION: Hold.ENFORCED,
    Control.WRITE_PROTECTION: Hold.ENFORCED,
    Control.OWN_PROCESSES: Hold.ENFORCED,
    Control.NETWORK: Hold.ENFORCED,
    Control.PRIVILEGES: Hold.ENFORCED,
    Control.SYSTEM_CALLS: Hold.ENFORCED,
    Control.PROCESS_TREE_END: Hold.ENFORCED,
    Control.MEMORY: Hold.WATCHDOG,
    Control.DISK: Hold.ENFORCED,
    Control.DEADLINE: Hold.WATCHDOG,
}
"""Without these no agent runs."""


@dataclass(frozen=True, slots=True)
class AgentTask:
    """One program, run once."""

    tenant: str
    name: str
    """The agent's; empty for one without a name."""
    argv: Sequence[str]
    door: DoorSpec
    archive: bytes = b""
    """What its workspace begins with, as tar."""
    packages: Packages = field(default_factory=lambda: Packages.of(""))
    environ: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    seconds: float = 600.0
    limits: Limits = field(default_factory=Limits)
    brings: Sequence[str] = ()
    """Files of its workspace that are fetched when it has ended."""

    @property
    def wall_seconds(self) -> float:
        """How long it may run: what was asked for, or what its budget has."""
        budget = self.door.policy.budget.limits.get(Measure.WALL)
        return self.seconds if budget is None else min(self.seconds, budget / 1000)

    def sandbox(self) -> SandboxSpec:
        """Where it runs."""
        return SandboxSpec(
            self.tenant,
            binds=self.packages.binds,
            limits=self.limits,
            environ=self.packages.environ(),
            lifetime_seconds=self.seconds + SPARE_SECONDS,
        )

    def command(self) -> Command:
        """What runs there."""
        return Command(
            argv=self.packages.argv(self.argv),
            environ=self.environ,
            stdin=self.stdin,
            timeout_seconds=self.wall_seconds,
        )
