"""No browser is leased twice, never too many exist, and only idle ones are drained."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.pools.roster import BrowserState, Decision, End, Give, PoolLimits, Roster, Start
from harness.domain.browser import BrowserKind, BrowserQuota, BrowserType
from harness.domain.ids import LeaseId, TenantId

MOST = 4
LIMITS = PoolLimits(most=MOST, idle_seconds=30, age_seconds=100, leases=3, lease_seconds=20)


def kind(tenant: str = "t", *words: str) -> BrowserKind:
    return BrowserKind(TenantId(tenant), ("/chromium", *words))


KINDS = [kind("t"), kind("t", "--other"), kind("u")]
QUOTAS = {
    "t": BrowserQuota(all=2, by_type={BrowserType.CHROMIUM: 3}),
    "u": BrowserQuota(all=3, by_type={BrowserType.CHROMIUM: 1}),
}
ALLOWED = {"t": 2, "u": 1}


class Pool(RuleBasedStateMachine):
    """A roster in a world that starts, loses and ends browsers at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.roster = Roster(LIMITS)
        self.now = 0.0
        self.numbers = 0
        self.asked: dict[LeaseId, BrowserKind] = {}
        self.held: dict[LeaseId, str] = {}
        self.processes: dict[str, BrowserKind] = {}

    @rule(which=st.sampled_from(KINDS))
    def ask(self, which: BrowserKind) -> None:
        self.numbers += 1
        lease_id = LeaseId(f"l{self.numbers}")
        self.asked[lease_id] = which
        self.roster.ask(lease_id, which, QUOTAS[which.tenant])
        self.settle()

    @rule(seconds=st.sampled_from([1.0, 15.0, 40.0, 120.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.settle()

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def be_heard(self, data: st.DataObject) -> None:
        self.roster.heard(data.draw(st.sampled_from(sorted(self.held))), self.now)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), pss=st.sampled_from([0, 1 << 40]), clean=st.booleans())
    def release(self, data: st.DataObject, pss: int, clean: bool) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.held)))
        browser_id = self.held.pop(lease_id)
        self.roster.released(lease_id, self.now, pss_bytes=pss, clean=clean)
        assert (self.state(browser_id) is BrowserState.IDLE) <= (clean and not pss)
        self.settle()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.asked)))
        del self.asked[lease_id]
        self.roster.give_up(lease_id)
        self.settle()

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def start_or_lose(self, data: st.DataObject) -> None:
        browser_id = data.draw(st.sampled_from(sorted(self.processes)))
        if self.state(browser_id) is BrowserState.STARTING and data.draw(st.booleans()):
            self.roster.started(browser_id, self.now)
        else:
            self.roster.ending(browser_id, self.now)
            self.held = {k: v for k, v in self.held.items() if v != browser_id}
        self.settle()

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def finish_ending(self, data: st.DataObject) -> None:
        browser_id = data.draw(st.sampled_from(sorted(self.processes)))
        if self.state(browser_id) is BrowserState.ENDING:
            del self.processes[browser_id]
            self.roster.gone(browser_id)
            self.settle()

    def settle(self) -> None:
        before = {browser.id: browser.state for browser in self.roster.browsers.values()}
        for decision in self.roster.decide(self.now):
            self.obey(decision, before)
        assert self.roster.decide(self.now) == []

    def obey(self, decision: Decision, before: dict[str, BrowserState]) -> None:
        match decision:
            case Start(browser_id, which):
                assert browser_id not in self.processes
                self.processes[browser_id] = which
            case Give(browser_id, lease_id):
                assert before[browser_id] is BrowserState.IDLE
                assert browser_id not in self.held.values()
                assert self.processes[browser_id] == self.asked.pop(lease_id)
                self.held[lease_id] = browser_id
            case End(browser_id, lease_id):
                if lease_id:
                    assert self.held.pop(lease_id) == browser_id
                else:
                    assert before[browser_id] is BrowserState.IDLE

    def state(self, browser_id: str) -> BrowserState:
        return self.roster.browsers[browser_id].state

    @invariant()
    def never_more_than_allowed(self) -> None:
        assert set(self.processes) == set(self.roster.browsers)
        assert len(self.processes) <= MOST
        for tenant, most in ALLOWED.items():
            mine = [i for i in self.held.values() if self.processes[i].tenant == tenant]
            assert len(mine) <= most

    @invariant()
    def places_count_from_one(self) -> None:
        places = sorted(self.roster.place(lease_id) for lease_id in self.asked)
        assert places == list(range(1, len(self.asked) + 1))

    def teardown(self) -> None:
        """Whoever waits gets a browser once everything starts, and holders give back."""
        for _ in range(200):
            for browser in list(self.roster.browsers.values()):
                if browser.state is BrowserState.STARTING:
                    self.roster.started(browser.id, self.now)
                elif browser.state is BrowserState.ENDING:
                    del self.processes[browser.id]
                    self.roster.gone(browser.id)
            for lease_id in list(self.held):
                del self.held[lease_id]
                self.roster.released(lease_id, self.now, pss_bytes=0, clean=True)
            self.settle()
        assert self.asked == {}


TestPool = Pool.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def warmed(roster: Roster, *kinds: BrowserKind) -> list[str]:
    """Idle browsers that were leased once."""
    for number, which in enumerate(kinds):
        roster.ask(LeaseId(f"earlier{number}"), which)
    browser_ids = started(roster)
    roster.decide(0.0)
    for number, _ in enumerate(kinds):
        roster.released(LeaseId(f"earlier{number}"), 0.0, pss_bytes=0, clean=True)
    return browser_ids


def started(roster: Roster, now: float = 0.0) -> list[str]:
    begun = [d.browser_id for d in roster.decide(now) if isinstance(d, Start)]
    for browser_id in begun:
        roster.started(browser_id, now)
    return begun


def test_warm_browser_is_leased_at_once() -> None:
    roster = Roster(LIMITS)
    (warm,) = warmed(roster, kind())
    roster.ask(LeaseId("l"), kind())
    assert roster.decide(1.0) == [Give(warm, LeaseId("l"))]


def test_idle_browser_of_another_kind_makes_room() -> None:
    roster = Roster(PoolLimits(most=1))
    (warm,) = warmed(roster, kind("t"))
    roster.ask(LeaseId("l"), kind("u"))
    assert roster.decide(1.0) == [End(warm)]
    roster.gone(warm)
    assert roster.decide(2.0) == [Start("b2", kind("u"))]


def test_silent_holder_loses_its_lease() -> None:
    roster = Roster(LIMITS)
    roster.ask(LeaseId("l"), kind())
    (browser_id,) = started(roster)
    roster.decide(0.0)
    roster.heard(LeaseId("l"), 10.0)
    roster.hear_all(15.0)
    assert roster.decide(30.0) == []
    assert roster.decide(36.0) == [End(browser_id, LeaseId("l"))]


@pytest.mark.parametrize(
    ("limits", "pss", "now"),
    [
        pytest.param(PoolLimits(most=1, leases=1), 0, 1.0, id="leases"),
        pytest.param(PoolLimits(most=1, idle_bytes=5), 6, 1.0, id="memory"),
        pytest.param(PoolLimits(most=1, age_seconds=5), 0, 6.0, id="age"),
        pytest.param(PoolLimits(most=1, idle_seconds=0.5), 0, 6.0, id="idle"),
    ],
)
def test_worn_browser_is_replaced(limits: PoolLimits, pss: int, now: float) -> None:
    roster = Roster(limits)
    roster.ask(LeaseId("l"), kind())
    started(roster)
    roster.decide(0.0)
    roster.released(LeaseId("l"), 1.0, pss_bytes=pss, clean=True)
    roster.decide(now)
    assert [browser.state for browser in roster.browsers.values()] == [BrowserState.ENDING]


def test_some_idle_browsers_stay_warm() -> None:
    roster = Roster(PoolLimits(most=3, warm=1, idle_seconds=10))
    warmed(roster, kind(), kind())
    assert len(roster.decide(11.0)) == 1
    assert roster.decide(99.0) == []


def test_tenant_waits_at_its_quota_and_others_pass() -> None:
    roster = Roster(PoolLimits(most=3))
    for lease_id, tenant in (("t1", "t"), ("t2", "t"), ("u1", "u")):
        roster.ask(LeaseId(lease_id), kind(tenant), BrowserQuota(all=1))
    started(roster)
    given = [d.lease_id for d in roster.decide(0.0) if isinstance(d, Give)]
    assert given == ["t1", "u1"]
    assert roster.place(LeaseId("t2")) == 1


def test_only_those_wait_for_whom_no_browser_starts() -> None:
    roster = Roster(PoolLimits(most=1))
    for lease_id in ("first", "second"):
        roster.ask(LeaseId(lease_id), kind())
    roster.decide(0.0)
    assert [roster.is_coming(LeaseId(lease_id)) for lease_id in ("first", "second")] == [
        True,
        False,
    ]
    assert not roster.is_coming(LeaseId("stranger"))


def test_no_stream_of_others_keeps_a_tenants_browser_of_another_kind_waiting() -> None:
    roster, quota = Roster(PoolLimits(most=3)), BrowserQuota(all=1)
    roster.ask(LeaseId("holder"), kind("t"), quota)
    started(roster)
    roster.decide(0.0)
    roster.ask(LeaseId("other"), kind("t", "--other"), quota)
    roster.ask(LeaseId("same"), kind("t"), quota)
    roster.released(LeaseId("holder"), 1.0, pss_bytes=0, clean=True)
    assert roster.decide(1.0) == [Start("b2", kind("t", "--other"))]


@pytest.mark.parametrize(
    ("quota", "taken", "fits"),
    [
        (BrowserQuota(), 99, True),
        (BrowserQuota(all=2), 1, True),
        (BrowserQuota(all=2), 2, False),
        (BrowserQuota(by_type={BrowserType.CHROMIUM: 2}), 2, False),
        (BrowserQuota(all=1, by_type={BrowserType.CHROMIUM: 2}), 1, False),
        (BrowserQuota(all=0), 0, False),
    ],
)
def test_both_quotas_hold(quota: BrowserQuota, taken: int, fits: bool) -> None:
    assert quota.has_room(BrowserType.CHROMIUM, [BrowserType.CHROMIUM] * taken) is fits
