"""Browsers as they are chosen, asked for and leased."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from harness.domain.ids import LeaseId, TenantId


@dataclass(frozen=True, slots=True)
class BrowserChoice:
    """Which Chromium tests use.

    Attributes:
        path: What headless tests start where Playwright has no browser of its own.
        headed: What `--headed` starts there; a headless shell has no windows.
        named: The user has named it, so it goes before Playwright's own.
        pool: Whether headless ones are leased from the pool.
    """

    path: str
    headed: str = ""
    named: bool = False
    pool: bool = True


class BrowserType(StrEnum):
    """Playwright's word for the engine; the pool lends these."""

    CHROMIUM = "chromium"


@dataclass(frozen=True, slots=True)
class BrowserQuota:
    """How many leased browsers a tenant may have at once; None means without limit."""

    all: int | None = None
    by_type: Mapping[BrowserType, int] = field(default_factory=dict)

    def has_room(self, wanted: BrowserType, taken: Sequence[BrowserType]) -> bool:
        """Whether one more of this type fits beside those."""
        of_type = self.by_type.get(wanted)
        return (self.all is None or len(taken) < self.all) and (
            of_type is None or taken.count(wanted) < of_type
        )


@dataclass(frozen=True, slots=True)
class BrowserKind:
    """What makes two browsers interchangeable; they never serve two tenants.

    Attributes:
        tenant: Whose tests it serves.
        argv: As a launcher gives it, without the profile's folder.
        env: Variables that Chromium looks at, and no others.
        type: What quotas count.
    """

    tenant: TenantId
    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    type: BrowserType = BrowserType.CHROMIUM


@dataclass(frozen=True, slots=True)
class BrowserRequest:
    """One test worker asks for a browser of its own.

    Attributes:
        lease_id: Chosen by who asks, so that asking again is the same request.
        kind: What it must be.
        folder: Where its launcher keeps downloads; counts as disk that the browser uses.
        quota: What its tenant may have, this one included.
    """

    lease_id: LeaseId
    kind: BrowserKind
    folder: str
    quota: BrowserQuota = field(default_factory=BrowserQuota)


class BrowserEnd(StrEnum):
    """Why a browser lease is over."""

    RELEASED = "released"
    EXPIRED = "expired"
    CRASHED = "crashed"
    MEMORY = "memory"
    DISK = "disk"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BrowserLease:
    """Where a request stands.

    Attributes:
        door: Unix socket of the leased browser; empty while it waits, or after the end.
        token: What opens the door, once.
        place: In the queue, from 1; 0 when it does not wait.
        is_coming: It waits for nothing but the start of a browser.
        end: Why the lease is over; None while it is not.
        message: What was said when no browser could be started.
    """

    door: str = ""
    token: str = ""
    place: int = 0
    is_coming: bool = False
    end: BrowserEnd | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class BrowserPoolStatus:
    """What a pool has now.

    Attributes:
        states: How many browsers are in each state.
        waiting: Requests that wait.
        most: Bound of all browsers.
        pss_bytes: Memory of each browser with its keeper, shared pages divided fairly.
    """

    states: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0
    most: int = 0
    pss_bytes: tuple[int, ...] = ()
