"""Kinds of sandboxes, and which of their controls hold on this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from harness.errors import TierUnavailable


class Tier(StrEnum):
    """From the strongest to none at all."""

    VM = "vm"
    GVISOR = "gvisor"
    NAMESPACE = "namespace"
    PROCESS = "process"
    NONE = "none"


class Hold(StrEnum):
    """How a control holds: by the kernel, by somebody who looks, or not."""

    ENFORCED = "enforced"
    WATCHDOG = "watchdog"
    ABSENT = "absent"


class Control(StrEnum):
    """What a sandbox may promise."""

    READ_PROTECTION = "read_protection"
    """Of the host it reads nothing but what it was given."""
    WRITE_PROTECTION = "write_protection"
    OWN_USER = "own_user"
    """It runs as a user of the host's that nothing else runs as."""
    OWN_PROCESSES = "own_processes"
    """It sees and signals no process but its own."""
    NETWORK = "network"
    """It reaches no network."""
    PRIVILEGES = "privileges"
    """It has no capability, and no way to gain one."""
    SYSTEM_CALLS = "system_calls"
    PROCESS_TREE_END = "process_tree_end"
    MEMORY = "memory"
    PROCESS_COUNT = "process_count"
    CPU = "cpu"
    DISK = "disk"
    INODES = "inodes"
    OPEN_FILES = "open_files"
    OUTPUT = "output"
    DEADLINE = "deadline"


_RANK = (Hold.ABSENT, Hold.WATCHDOG, Hold.ENFORCED)


@dataclass(frozen=True, slots=True)
class TierReport:
    """What was found out about a tier by running it."""

    tier: Tier
    controls: Mapping[Control, Hold] = field(default_factory=dict)
    """A control that is not named is absent."""
    reason: str = ""
    """Why the tier as a whole cannot be had, or controls are missing."""
    fix: str = ""

    @property
    def is_available(self) -> bool:
        """Whether a sandbox of it came up."""
        return bool(self.controls)

    def holds(self, control: Control) -> Hold:
        """How one control holds."""
        return self.controls.get(control, Hold.ABSENT)

    def described(self) -> Mapping[str, str]:
        """Every control by name, for events and people."""
        return {str(one): str(self.holds(one)) for one in Control}

    def demand(self, wanted: Mapping[Control, Hold]) -> None:
        """Insist on a tier that is there with these controls, each held at least so well.

        Raises:
            TierUnavailable: names all that is missing; nobody steps down instead.
        """
        missing = self._missing(wanted) if self.is_available else [f"the tier {self.tier} itself"]
        if missing:
            raise TierUnavailable(self.tier, missing, self.reason or _WEAKER, self.fix or _OTHER)

    def _missing(self, wanted: Mapping[Control, Hold]) -> Sequence[str]:
        return [
            f"{control} ({self.holds(control)}, not {hold})"
            for control, hold in wanted.items()
            if _RANK.index(self.holds(control)) < _RANK.index(hold)
        ]


_WEAKER = "This machine does not enforce it."
_OTHER = "See `ath doctor` for what each tier holds here, or ask for less in the policy."
