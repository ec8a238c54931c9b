"""Users of the host that sandboxes run as, one each, where this process may choose them."""

import os
from dataclasses import dataclass, field
from pathlib import Path

FIRST = 0x70000000
"""Above what distributions hand out, below what is special."""
SLOTS = 4096
"""At once, by one process."""
_FULL = 0xFFFFFFFF


@dataclass(slots=True)
class Users:
    """A range that no other process of the machine uses at the same time."""

    first: int | None = None
    """None means that sandboxes run as the user who started them."""
    _free: list[int] = field(default_factory=list)
    _next: int = 0

    @classmethod
    def of_this_process(cls, uid_map: Path = Path("/proc/self/uid_map")) -> "Users":
        """A range where this process is root of the whole machine, else none."""
        words = uid_map.read_text().split()
        if os.geteuid() != 0 or len(words) != 3 or int(words[2]) != _FULL:
            return cls()
        return cls(FIRST + os.getpid() % SLOTS * SLOTS)

    @property
    def available(self) -> bool:
        """Whether each sandbox gets a user of its own."""
        return self.first is not None

    def take(self) -> int | None:
        """A user that nobody has, or one that was given back longest ago."""
        if self.first is None:
            return None
        if self._next < SLOTS:
            self._next += 1
            return self.first + self._next - 1
        return self._free.pop(0) if self._free else self.first

    def give_back(self, user: int | None) -> None:
        """Nothing runs as that user any more."""
        if user is not None:
            self._free.append(user)
