"""Control events: appended to their run's chain, and the outbox they wait in."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, text, update

from harness.domain.ids import Digest, EventId, ProjectId, RunId, TenantId
from harness.domain.run import Run
from harness.domain.scope import Scope
from harness.events.envelope import Event, chain_hash
from harness.events.facts import Fact
from harness.ports.entropy import Entropy
from harness.stores.sql.codec import Values, micros, time_of
from harness.stores.sql.scoped import Scoped, chunks
from harness.stores.sql.session import Record, Session
from harness.stores.sql.tables import EVENTS


def chained(
    entropy: Entropy, run: Run, facts: Sequence[Fact], time: datetime
) -> tuple[Run, list[Event]]:
    """The facts as the run's next events, and the run with its new head; stores nothing."""
    head, events = run.chain_head, []
    for seq, fact in enumerate(facts, run.seq + 1):
        unhashed = Event(
            id=EventId(entropy.new_id()),
            type=fact.type,
            scope=run.scope,
            run_id=run.id,
            seq=seq,
            time=time,
            data=fact.data(),
            prevhash=head,
            hash=Digest(""),
        )
        head = chain_hash(unhashed)
        events.append(replace(unhashed, hash=head))
    return replace(run, seq=run.seq + len(facts), chain_head=head), events


def add_events(db: Scoped, events: Sequence[Event]) -> None:
    """Store events of a run, and put them into the outbox."""
    db.insert(EVENTS, [_row(event) for event in events])


def events_of_run(db: Scoped, run_id: RunId, after: int, limit: int) -> list[Event]:
    """The run's events with a seq above `after`, in order."""
    query = db.select(EVENTS).where(EVENTS.c.run_id == run_id, EVENTS.c.seq > after)
    return [_event(row) for row in db.rows(query.order_by(EVENTS.c.seq).limit(limit))]


def unpublished(session: Session, limit: int) -> list[Event]:
    """Events of all tenants that were not published, in order per run."""
    query = select(EVENTS).where(text("NOT published")).order_by(EVENTS.c.position).limit(limit)
    return [_event(row) for row in session.rows(query)]


def mark_published(session: Session, event_ids: Sequence[EventId]) -> None:
    """Take these out of the outbox."""
    for piece in chunks(event_ids):
        session.change(update(EVENTS).where(EVENTS.c.id.in_(piece)).values(published=True))


def _row(event: Event) -> Values:
    return {
        "run_id": event.run_id,
        "seq": event.seq,
        "id": event.id,
        "type": event.type,
        "time_us": micros(event.time),
        "data": json.dumps(dict(event.data), separators=(",", ":")),
        "prevhash": event.prevhash,
        "hash": event.hash,
        "traceparent": event.traceparent,
        "published": False,
    }


def _event(row: Record) -> Event:
    return Event(
        id=EventId(row.id),
        type=row.type,
        scope=Scope(TenantId(row.tenant), ProjectId(row.project)),
        run_id=RunId(row.run_id),
        seq=row.seq,
        time=time_of(row.time_us),
        data=json.loads(row.data),
        prevhash=Digest(row.prevhash),
        hash=Digest(row.hash),
        traceparent=row.traceparent,
    )
