"""What is known of a project, asked of whoever has the record store."""

from collections.abc import Sequence
from dataclasses import dataclass

from actors.scheduler.handle import SchedulerHandle
from harness.domain.scope import Scope
from harness.ports.knowledge import KnownFailure


@dataclass(frozen=True, slots=True)
class ScheduledKnowledge:
    """A `Knowledge` in a process without stores."""

    scheduler: SchedulerHandle
    scope: Scope

    async def search(self, text: str, limit: int) -> Sequence[KnownFailure]:
        """See the port."""
        return await self.scheduler.known_failures(self.scope, text, limit)
