"""Following a run over a connection that may break at any time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import httpx

from harness.client.connection import Connection, Pauses
from harness.client.decode import decode_event
from harness.errors import Corrupt, HarnessError, Unavailable
from harness.events.envelope import Event
from harness.events.facts import RunAssessed, RunFinished, round_of

Until = Literal["finished", "assessed"]
_LAST = {"finished": RunFinished.type, "assessed": RunAssessed.type}
FOREVER = 10 * 365 * 86400.0


@dataclass(slots=True)
class Stream:
    """A run's events above `seq`, each once and in order, however often the connection breaks."""

    connection: Connection
    path: str
    seq: int
    until: Until
    seconds: float | None
    round: int = 0
    """The round of the run whose end is awaited."""

    def __iter__(self) -> Iterator[Event]:
        """Events until the last one that was asked for.

        Raises:
            Unavailable: the deadline passed, or the API was away for longer than one call may be.
            HarnessError: what the API answered.
        """
        clock = self.connection.clock
        end = clock.monotonic() + (FOREVER if self.seconds is None else self.seconds)
        pauses = self._patience(end)
        while True:
            try:
                for event in self._connected(end):
                    pauses = self._patience(end)
                    yield event
                    if event.type == _LAST[self.until] and round_of(event) >= self.round:
                        return
            except HarnessError as error:
                self._check(end)
                pauses.wait(error)
            except _NothingMore:
                return

    def _connected(self, end: float) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self.seq)}
        params = {"follow": f"until_{self.until}"}
        quiet = min(self.connection.patience.quiet_seconds, self._left(end))
        with self.connection.open(
            self.path, params=params, headers=headers, seconds=quiet
        ) as response:
            if response.status_code == httpx.codes.NO_CONTENT:
                raise _NothingMore
            self.round = int(response.headers.get("Ath-Round", "0"))
            for line in response.iter_lines():
                self._check(end)
                if line.startswith(":") and self._left(end) < quiet:
                    return  # reconnects, to be quiet no longer than the deadline allows
                if line.startswith("data:"):
                    event = decode_event(json.loads(line[5:]))
                    if self._is_next(event):
                        yield event

    def _is_next(self, event: Event) -> bool:
        if event.seq <= self.seq:
            return False
        if event.seq != self.seq + 1:
            raise Corrupt(f"Run {event.run_id} has event {event.seq} where {self.seq + 1} is due.")
        self.seq = event.seq
        return True

    def _patience(self, end: float) -> Pauses:
        left = min(self._left(end), self.connection.patience.call_seconds)
        return self.connection.pauses(left)

    def _left(self, end: float) -> float:
        return max(0.0, end - self.connection.clock.monotonic())

    def _check(self, end: float) -> None:
        if not self._left(end):
            raise _Overdue(
                f"The run was not {self.until} within {self.seconds:g} seconds; it goes on. "
                "Follow it again with a longer deadline."
            )


class _NothingMore(Exception):
    """The run has no more events."""


class _Overdue(Unavailable):
    """The caller's own deadline; waiting longer is not for us to decide."""

    retryable = False
