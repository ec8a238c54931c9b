"""A connection to a host that waits for the next request of the same client."""

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address

import h11

from actors.broker.peer import Peer
from harness.domain.host_name import Address, Endpoint

IDLE_SECONDS = 15.0
LIFE_SECONDS = 300.0
"""After which a name is resolved anew."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A connection that was dialled, and where it leads."""

    kind: str
    to: Endpoint
    peer: Peer
    address: Address
    made_at: float
    """By the event loop's clock."""

    @classmethod
    def dialled(cls, kind: str, to: Endpoint, peer: Peer) -> "Upstream":
        """One that was just made."""
        host = str(peer.writer.get_extra_info("peername")[0]).partition("%")[0]
        return cls(kind, to, peer, ip_address(host), _now())


@dataclass(slots=True)
class KeptConnection:
    """At most one, for one client's connection alone: nobody meets what another left."""

    _kept: Upstream | None = None
    _since: float = 0.0

    async def take(self, kind: str, to: Endpoint) -> Upstream | None:
        """The one that leads there, if the host said nothing meanwhile; another is closed."""
        found, self._kept = self._kept, None
        if found is None:
            return None
        now = _now()
        is_fresh = now - self._since < IDLE_SECONDS and now - found.made_at < LIFE_SECONDS
        if is_fresh and (found.kind, found.to) == (kind, to) and await _is_silent(found.peer):
            return found
        found.peer.close()
        return None

    def leave(self, used: Upstream) -> None:
        """Keep it if a further request can follow, else close it."""
        http = used.peer.http
        is_done = http.our_state is h11.DONE and http.their_state is h11.DONE
        if not is_done or http.trailing_data[0] or self._kept is not None:
            used.peer.close()
            return
        http.start_next_cycle()
        self._kept, self._since = used, _now()

    def close(self) -> None:
        """Give it back."""
        if self._kept is not None:
            self._kept.peer.close()
            self._kept = None


async def _is_silent(peer: Peer) -> bool:
    """Whether neither its end came nor anything that nobody asked for."""
    if peer.writer.is_closing():
        return False
    try:
        async with asyncio.timeout(0):
            await peer.reader.read(1)
    except TimeoutError:
        return True
    except OSError:
        return False
    return False


def _now() -> float:
    return asyncio.get_running_loop().time()
