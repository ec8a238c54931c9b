"""From the outbox to the bus, and from the bus to analytics."""

from dataclasses import dataclass

from harness.ports.bus import Bus
from harness.ports.records import Records
from harness.services.analytics import Analytics

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Relay:
    """Publishes committed events; a crash between publishing and marking repeats, never loses."""

    records: Records
    bus: Bus

    def step(self) -> bool:
        """Publish one batch; gives whether there may be more."""
        events = self.records.outbox(BATCH)
        if not events:
            return False
        self.bus.publish(events)
        self.records.published([event.id for event in events])
        return len(events) == BATCH


@dataclass(frozen=True, slots=True)
class AnalyticsFeed:
    """Hands events to analytics and remembers how far it came."""

    bus: Bus
    analytics: Analytics

    def step(self) -> bool:
        """Handle one batch; gives whether there may be more."""
        deliveries = self.bus.poll("analytics", BATCH)
        if not deliveries:
            return False
        self.analytics.on_events([delivery.event for delivery in deliveries])
        self.bus.commit("analytics", deliveries[-1].offset)
        return True
