"""Which browsers there are, who holds them, who waits: pure decisions without processes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from harness.domain.browser import BrowserKind, BrowserQuota
from harness.domain.ids import LeaseId


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of one pool.

    Attributes:
        most: Browsers at any moment, starting and ending ones included.
        warm: Idle browsers that are kept however long nobody needs them.
        idle_seconds: After which an idle browser is ended.
        age_seconds: After which a browser is replaced.
        leases: After which a browser is replaced.
        idle_bytes: An idle browser that takes more memory is replaced.
        lease_seconds: How long a holder may be silent.
    """

    most: int
    warm: int = 0
    idle_seconds: float = 300.0
    age_seconds: float = 3600.0
    leases: int = 50
    idle_bytes: int = 512 << 20
    lease_seconds: float = 30.0


class BrowserState(StrEnum):
    """Of one browser."""

    STARTING = "starting"
    IDLE = "idle"
    LEASED = "leased"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One browser."""

    id: str
    kind: BrowserKind
    state: BrowserState
    born: float
    since: float
    """In its present state."""
    leases: int = 0
    lease_id: LeaseId | None = None
    until: float = 0.0
    """Deadline of its lease."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start a browser."""

    browser_id: str
    kind: BrowserKind


@dataclass(frozen=True, slots=True)
class Give:
    """Open a browser to the holder of a lease."""

    browser_id: str
    lease_id: LeaseId


@dataclass(frozen=True, slots=True)
class End:
    """End a browser; `lease_id` is set when its holder was silent for too long."""

    browser_id: str
    lease_id: LeaseId | None = None


Decision = Start | Give | End


@dataclass(slots=True)
class Roster:
    """Every change of the pool passes here; `decide` says what is to be done."""

    limits: PoolLimits
    browsers: dict[str, RosterEntry] = field(default_factory=dict)
    waiting: dict[LeaseId, BrowserKind] = field(default_factory=dict)
    """In order of arrival."""
    _quotas: dict[LeaseId, BrowserQuota] = field(default_factory=dict)
    """Of those who wait."""
    _numbers: int = 0

    def ask(self, lease_id: LeaseId, kind: BrowserKind, quota: BrowserQuota | None = None) -> None:
        """Somebody waits for a browser; asking again changes nothing."""
        if self.held_by(lease_id) is None and lease_id not in self.waiting:
            self.waiting[lease_id] = kind
            self._quotas[lease_id] = quota or BrowserQuota()

    def give_up(self, lease_id: LeaseId) -> None:
        """Nobody waits for this any more."""
        self.waiting.pop(lease_id, None)
        self._quotas.pop(lease_id, None)

    def place(self, lease_id: LeaseId) -> int:
        """In the queue, from 1; 0 when it does not wait."""
        return list(self.waiting).index(lease_id) + 1 if lease_id in self.waiting else 0

    def is_coming(self, lease_id: LeaseId) -> bool:
        """Whether one of the browsers that are starting will be for this one."""
        kind = self.waiting.get(lease_id)
        same = [waiting for waiting, wanted in self.waiting.items() if wanted == kind]
        starting = sum(browser.kind == kind for browser in self._in(BrowserState.STARTING))
        return lease_id in same[:starting]

    def held_by(self, lease_id: LeaseId) -> RosterEntry | None:
        """The browser of a lease."""
        return next((b for b in self.browsers.values() if b.lease_id == lease_id), None)

    def started(self, browser_id: str, now: float) -> None:
        """A browser is ready."""
        self._move(browser_id, BrowserState.IDLE, now)

    def heard(self, lease_id: LeaseId, now: float) -> None:
        """The holder of a lease is alive."""
        held = self.held_by(lease_id)
        if held:
            until = now + self.limits.lease_seconds
            self.browsers[held.id] = replace(held, until=until)

    def hear_all(self, now: float) -> None:
        """Every holder is taken for alive."""
        for browser in list(self.browsers.values()):
            if browser.lease_id:
                self.heard(browser.lease_id, now)

    def released(self, lease_id: LeaseId, now: float, *, pss_bytes: int, clean: bool) -> None:
        """The holder is done; the browser is idle only if it is as good as new."""
        held = self.held_by(lease_id)
        if held:
            worn = held.leases >= self.limits.leases or pss_bytes > self.limits.idle_bytes
            state = BrowserState.IDLE if clean and not worn else BrowserState.ENDING
            self._move(held.id, state, now)

    def ending(self, browser_id: str, now: float) -> None:
        """A browser ended or must end, whatever it was doing."""
        if browser_id in self.browsers:
            self._move(browser_id, BrowserState.ENDING, now)

    def gone(self, browser_id: str) -> None:
        """Nothing is left of a browser."""
        self.browsers.pop(browser_id, None)

    def decide(self, now: float) -> Sequence[Decision]:
        """What is to be done now, already entered here; deciding again gives nothing new."""
        return [*self._expire(now), *self._give(now), *self._retire(now), *self._start(now)]

    def _expire(self, now: float) -> Sequence[Decision]:
        silent = [b for b in self.browsers.values() if b.lease_id and b.until < now]
        for browser in silent:
            self.ending(browser.id, now)
        return [End(browser.id, browser.lease_id) for browser in silent]

    def _give(self, now: float) -> Sequence[Decision]:
        given: list[Decision] = []
        promised: list[BrowserKind] = []
        for lease_id, kind in list(self.waiting.items()):
            fit = [b for b in self._in(BrowserState.IDLE) if b.kind == kind]
            if not self._has_room(lease_id, promised):
                continue
            if not fit:
                if not self.is_coming(lease_id):
                    # Those behind it must not use up its quota for ever.
                    promised.append(kind)
                continue
            self.give_up(lease_id)
            chosen = max(fit, key=lambda browser: browser.since)
            self.browsers[chosen.id] = replace(
                chosen,
                state=BrowserState.LEASED,
                since=now,
                leases=chosen.leases + 1,
                lease_id=lease_id,
                until=now + self.limits.lease_seconds,
            )
            given.append(Give(chosen.id, lease_id))
        return given

    def _retire(self, now: float) -> Sequence[Decision]:
        ended: list[Decision] = []
        for browser in sorted(self._in(BrowserState.IDLE), key=lambda browser: browser.since):
            unused = now - browser.since > self.limits.idle_seconds
            spare = len(self._in(BrowserState.IDLE)) > self.limits.warm
            if now - browser.born > self.limits.age_seconds or (unused and spare):
                self.ending(browser.id, now)
                ended.append(End(browser.id))
        return ended

    def _start(self, now: float) -> Sequence[Decision]:
        decided: list[Decision] = []
        coming = [browser.kind for browser in self._in(BrowserState.STARTING)]
        for lease_id, kind in self.waiting.items():
            if kind in coming:
                coming.remove(kind)
            elif self._has_room(lease_id):
                decided += self._begin(kind, now) or self._make_room(kind, now)
        return decided

    def _begin(self, kind: BrowserKind, now: float) -> Sequence[Decision]:
        if len(self.browsers) >= self.limits.most:
            return []
        self._numbers += 1
        browser_id = f"b{self._numbers}"
        self.browsers[browser_id] = RosterEntry(browser_id, kind, BrowserState.STARTING, now, now)
        return [Start(browser_id, kind)]

    def _make_room(self, kind: BrowserKind, now: float) -> Sequence[Decision]:
        """End the idle browser that was unused longest, unless room is being made already."""
        others = [b for b in self._in(BrowserState.IDLE) if b.kind != kind]
        if not others or self._in(BrowserState.ENDING):
            return []
        oldest = min(others, key=lambda browser: browser.since)
        self.ending(oldest.id, now)
        return [End(oldest.id)]

    def _has_room(self, lease_id: LeaseId, promised: Sequence[BrowserKind] = ()) -> bool:
        """Whether one more fits into the quota of who waits."""
        wanted = self.waiting[lease_id]
        busy = (*self._in(BrowserState.STARTING), *self._in(BrowserState.LEASED))
        kinds = (*(browser.kind for browser in busy), *promised)
        taken = [kind.type for kind in kinds if kind.tenant == wanted.tenant]
        return self._quotas[lease_id].has_room(wanted.type, taken)

    def _in(self, state: BrowserState) -> Sequence[RosterEntry]:
        return [browser for browser in self.browsers.values() if browser.state is state]

    def _move(self, browser_id: str, state: BrowserState, now: float) -> None:
        self.browsers[browser_id] = replace(
            self.browsers[browser_id], state=state, since=now, lease_id=None
        )
