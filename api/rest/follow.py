"""Following a run: its events as a server-sent stream that can be resumed without a gap."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum

import anyio

from api.rest.wire.event import event_json
from api.services import Services
from harness.domain.ids import RunId
from harness.domain.run import Run
from harness.domain.scope import Scope
from harness.errors import HarnessError, QuotaExceeded
from harness.events.envelope import Event
from harness.events.facts import RunAssessed, RunFinished, round_of

BATCH = 500


class Until(StrEnum):
    """When a stream ends by itself."""

    FINISHED = "until_finished"
    ASSESSED = "until_assessed"


_LAST = {Until.FINISHED: RunFinished.type, Until.ASSESSED: RunAssessed.type}


@dataclass(slots=True)
class Followers:
    """Counts the streams of one application, so that they stay bounded."""

    limit: int
    count: int = field(default=0)

    def enter(self) -> None:
        """One more.

        Raises:
            QuotaExceeded: there are as many as may be.
        """
        if self.count >= self.limit:
            raise QuotaExceeded(f"{self.limit} clients follow runs already. Try again later.")
        self.count += 1

    def leave(self) -> None:
        """One fewer."""
        self.count -= 1


@dataclass(slots=True)
class Follow:
    """One client's stream of one run's events above `seq`."""

    services: Services
    scope: Scope
    run_id: RunId
    seq: int
    until: Until
    over: bool = False
    """Whether the last fact to wait for is already in the store."""
    finished_at: float | None = None
    round: int = 0
    """Of the run, when the client came; an earlier round's end ends no stream."""

    async def prepare(self) -> bool:
        """Look where the run stands; False when nothing is left to send.

        Raises:
            NotFound: no such run in the scope.
        """
        run = await self.services.threaded(self.services.runs.get, self.scope, self.run_id)
        self.round = run.round
        if run.state.is_terminal:
            self.finished_at = self.services.clock.monotonic()
            self.over = self.until is Until.FINISHED or await self._settled(run)
        return not (self.over and self.seq >= run.seq)

    async def lines(self) -> AsyncIterator[bytes]:
        """The stream: events as they come, a comment now and then in silence."""
        settings, clock = self.services.settings, self.services.clock
        end = clock.monotonic() + settings.stream_seconds
        pause, silent_since = settings.poll_seconds, clock.monotonic()
        yield b"retry: 500\n\n"
        while clock.monotonic() < end:
            events = await self._events()
            if events:
                yield b"".join(_frame(event) for event in events)
                pause, silent_since = settings.poll_seconds, clock.monotonic()
            if self._done(events):
                return
            if len(events) < BATCH:
                await anyio.sleep(pause)
                pause = min(pause * 2, settings.idle_seconds)
            if clock.monotonic() - silent_since >= settings.heartbeat_seconds:
                yield b": still here\n\n"
                silent_since = clock.monotonic()

    async def _events(self) -> list[Event]:
        call = self.services.runs.events
        try:
            found = await self.services.threaded(
                call, self.scope, self.run_id, after=self.seq, limit=BATCH
            )
        except HarnessError as error:
            if error.retryable:
                return []
            raise
        if found:
            self.seq = found[-1].seq
        return list(found)

    def _done(self, events: list[Event]) -> bool:
        kinds = {event.type for event in events if round_of(event) >= self.round}
        if RunFinished.type in kinds:
            self.finished_at = self.services.clock.monotonic()
        if _LAST[self.until] in kinds or (self.over and not events):
            return True
        return not events and self._waited_enough()

    def _waited_enough(self) -> bool:
        if self.finished_at is None:
            return False
        waited = self.services.clock.monotonic() - self.finished_at
        return waited >= self.services.settings.assess_seconds

    async def _settled(self, run: Run) -> bool:
        """Whether the run was assessed, or should have been long ago."""
        if run.finished_at is not None:
            # An imported run ended before it came here.
            known = max(run.finished_at, run.created_at)
            age = (self.services.clock.now() - known).total_seconds()
            if age > self.services.settings.assess_seconds:
                return True
        call = self.services.runs.assessment
        return await self.services.threaded(call, self.scope, self.run_id) is not None


def _frame(event: Event) -> bytes:
    return f"id: {event.seq}\nevent: {event.type}\ndata: {event_json(event)}\n\n".encode()
