"""The envelope of a control event: CloudEvents 1.0 with tenant, run, seq and hash chain."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.domain.ids import Digest, EventId, RunId
from harness.domain.scope import Scope
from harness.errors import Corrupt
from harness.events.canonical import Json as Json  # part of this module's words
from harness.events.canonical import canonical


@dataclass(frozen=True, slots=True)
class Event:
    """One immutable fact about a run."""

    id: EventId
    type: str
    """Such as `ath.run.submitted.v1`."""
    scope: Scope
    run_id: RunId
    seq: int
    """Gapless within the run, from 1."""
    time: datetime
    """UTC, of the record store's clock."""
    data: Mapping[str, Json]
    prevhash: Digest
    """Hash of the run's event before; empty for the first."""
    hash: Digest
    """Over everything above, canonical as RFC 8785 says."""
    traceparent: str = ""

    def wire(self) -> dict[str, Json]:
        """The event as CloudEvents JSON, without its hash."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": f"/tenants/{self.scope.tenant}/projects/{self.scope.project}",
            "type": self.type,
            "subject": self.run_id,
            "time": self.time.isoformat(),
            "datacontenttype": "application/json",
            "tenant": self.scope.tenant,
            "project": self.scope.project,
            "runid": self.run_id,
            "seq": self.seq,
            "prevhash": self.prevhash,
            "traceparent": self.traceparent,
            "data": dict(self.data),
        }


def chain_hash(event: Event) -> Digest:
    """The hash that the event should carry."""
    return Digest(hashlib.sha256(canonical(event.wire())).hexdigest())


def verify_chain(events: Iterable[Event]) -> Digest:
    """The chain's head, after checking every event of one run from its first.

    Raises:
        Corrupt: an event is missing, out of order or changed; the message names it.
    """
    head = Digest("")
    for seq, event in enumerate(events, 1):
        if event.seq != seq:
            raise Corrupt(f"Run {event.run_id} has event {event.seq} where {seq} is due.")
        if event.prevhash != head or event.hash != chain_hash(event):
            raise Corrupt(f"Event {event.seq} ({event.id}) of run {event.run_id} was changed.")
        head = event.hash
    return head
