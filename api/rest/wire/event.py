"""Events on the wire: CloudEvents JSON with the event's own hash."""

import json
from datetime import datetime

from pydantic import ConfigDict, JsonValue

from api.rest.wire.model import WireModel
from harness.events.envelope import Event


class EventWire(WireModel):
    """One control event; readers ignore fields they do not know."""

    model_config = ConfigDict(extra="allow", frozen=True)

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    tenant: str
    project: str
    runid: str
    seq: int
    prevhash: str
    hash: str
    traceparent: str
    data: dict[str, JsonValue]


class EventPage(WireModel):
    """A run's events in order."""

    events: list[EventWire]
    next: int | None
    """Pass it as `after` for the page after this one; null when nothing more is there yet."""


def event_json(event: Event) -> str:
    """The event as one line of JSON, without a detour through the model."""
    return json.dumps({**event.wire(), "hash": event.hash}, separators=(",", ":"))
