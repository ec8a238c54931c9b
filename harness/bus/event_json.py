"""An event as the bytes that travel, and back."""

import json
from datetime import datetime

from harness.domain.ids import Digest, EventId, ProjectId, RunId, TenantId
from harness.domain.scope import Scope
from harness.errors import Corrupt
from harness.events.envelope import Event


def to_bytes(event: Event) -> bytes:
    """CloudEvents JSON with the event's hash."""
    return json.dumps({**event.wire(), "hash": event.hash}, separators=(",", ":")).encode()


def from_bytes(content: bytes) -> Event:
    """The event; fields of newer versions are ignored.

    Raises:
        Corrupt: these bytes are no event.
    """
    try:
        wire = json.loads(content)
        return Event(
            id=EventId(wire["id"]),
            type=wire["type"],
            scope=Scope(TenantId(wire["tenant"]), ProjectId(wire["project"])),
            run_id=RunId(wire["runid"]),
            seq=wire["seq"],
            time=datetime.fromisoformat(wire["time"]),
            data=wire["data"],
            prevhash=Digest(wire["prevhash"]),
            hash=Digest(wire["hash"]),
            traceparent=wire["traceparent"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"{len(content)} bytes of the event log are no event ({error!r}).") from error
