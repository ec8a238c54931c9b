"""Who gets workers, over a real record store, with hosts that this test plays."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.domain.attempt import ArtifactRef, Verdict
from harness.domain.browser import BrowserQuota, BrowserType
from harness.domain.ids import AttemptId, Digest, HostId, LeaseId
from harness.domain.principal import Principal, Role
from harness.domain.quota import QuotaName
from harness.domain.retry_rule import RetryRule
from harness.domain.run import RunState
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.work import Collected, Report, Surrender
from harness.errors import Fenced
from harness.events.facts import ResultRefused
from harness.services.scheduling import Scheduling
from harness.services.scheduling_limits import SchedulingLimits
from tests.fakes.entropy import FakeEntropy
from tests.support.house import CASES, F, House, P, result_of

OPERATOR = Principal("olga", DEFAULT_SCOPE.tenant, Role.OPERATOR)
FIRST, SECOND = HostId("first"), HostId("second")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    with closing(house.records):
        yield house


def test_tenant_gets_no_more_workers_than_its_quota(house: House) -> None:
    house.quotas.set(OPERATOR, QuotaName.WORKERS, 3)
    house.submit()
    house.submit()
    house.submit()
    one = house.scheduling.claim(FIRST, 2, {})
    assert one is not None
    held = {one.lease.id: one.workers}
    house.scheduling.claim(FIRST, 0, held)
    two = house.scheduling.claim(SECOND, 8, {})
    assert two is not None
    assert (one.workers, two.workers) == (2, 1)
    assert house.scheduling.claim(SECOND, 7, {two.lease.id: 1}) is None


def test_run_gets_more_workers_only_within_the_quota(house: House) -> None:
    house.quotas.set(OPERATOR, QuotaName.WORKERS, 2)
    house.submit(workers=4)
    grant = house.scheduling.claim(FIRST, 1, {})
    assert grant is not None
    house.scheduling.collected(grant.lease.id, Collected(CASES))
    held: dict[LeaseId, int] = {grant.lease.id: 1}
    more = house.scheduling.claim(FIRST, 7, held)
    assert more is not None
    assert more.workers == 1
    assert house.scheduling.claim(FIRST, 6, {grant.lease.id: 2}) is None


def test_grant_tells_what_the_tenant_may_have_of_browsers(house: House) -> None:
    house.quotas.set(OPERATOR, QuotaName.BROWSERS, 5)
    house.quotas.set(OPERATOR, QuotaName.BROWSERS_CHROMIUM, 2)
    house.submit()
    grant = house.scheduling.claim(FIRST, 1, {})
    assert grant is not None
    assert grant.browsers == BrowserQuota(5, {BrowserType.CHROMIUM: 2})


def test_next_host_is_told_what_the_run_has_kept(house: House) -> None:
    run = house.submit()
    first = house.scheduling.claim(FIRST, 1, {})
    assert first is not None
    assert first.artifact_bytes == 0
    logs = [ArtifactRef("a.log", Digest("0" * 64), 7, "text/plain")]
    house.scheduling.collected(first.lease.id, Collected(CASES))
    house.scheduling.surrender(Surrender(first.lease.id, artifacts=logs))
    second = house.scheduling.claim(SECOND, 1, {})
    assert second is not None
    assert (second.run.id, second.artifact_bytes) == (run.id, 7)


def test_place_in_the_queue_is_told_until_a_host_begins(house: House) -> None:
    runs = [house.submit() for _ in range(3)]
    assert [house.runs.place(run) for run in runs] == [0, 1, 2]
    assert house.scheduling.claim(FIRST, 1, {}) is not None
    now = [house.runs.get(DEFAULT_SCOPE, run.id) for run in runs]
    assert [house.runs.place(run) for run in now] == [None, 0, 1]


def test_quarantined_tests_run_and_decide_nothing(house: House) -> None:
    house.quarantines.put(DEFAULT_SCOPE, OPERATOR, "t.py::test_[13]", "not a glob: SHOP-1", None)
    house.quarantines.put(DEFAULT_SCOPE, OPERATOR, "*_1", "SHOP-7", None)
    run = house.submit()
    house.work(run, {0: [P], 1: [F], 2: [P], 3: [P]})
    assert house.look(run) == (RunState.PASSED, [P, F, P, P])
    cases = [test.case.quarantined for test in house.runs.results(DEFAULT_SCOPE, run.id).tests]
    assert cases == [None, "SHOP-7", None, None]
    house.analytics.on_events(house.events(run))
    assessment = house.runs.assessment(DEFAULT_SCOPE, run.id)
    assert assessment is not None
    assert assessment.evidence["quarantined"] == 1.0
    assert assessment.evidence["failed"] == 0.0
    assert any("quarantined" in each for each in assessment.uncovered)


def test_quarantined_failures_do_not_stop_a_run(house: House) -> None:
    house.quarantines.put(DEFAULT_SCOPE, OPERATOR, CASES[0].id, "SHOP-7", None)
    run = house.submit()
    house.work(run, {0: [F], 1: [P], 2: [P], 3: [P]}, Collected(CASES, max_failures=1))
    assert house.look(run) == (RunState.PASSED, [F, P, P, P])


def test_run_of_quarantined_tests_alone_proves_nothing(house: House) -> None:
    house.quarantines.put(DEFAULT_SCOPE, OPERATOR, "*", "all of it", None)
    run = house.submit()
    house.work(run, {index: [P] for index in range(4)})
    assert house.look(run)[0] is RunState.INCONCLUSIVE


def test_lifted_quarantine_does_not_change_runs_that_were_collected(house: House) -> None:
    house.quarantines.put(DEFAULT_SCOPE, OPERATOR, CASES[0].id, "SHOP-7", None)
    run = house.submit()
    house.work(run, {0: [F], 1: [P], 2: [P], 3: [P]})
    house.quarantines.lift(DEFAULT_SCOPE, CASES[0].id)
    house.rerun(run, CASES[0].id)
    house.scheduling = Scheduling(house.records, FakeEntropy("t"))
    house.work(run, {0: [F]})
    assert house.look(run)[0] is RunState.PASSED
    run = house.submit()
    house.work(run, {0: [F], 1: [P], 2: [P], 3: [P]})
    assert house.look(run)[0] is RunState.FAILED


def test_timeouts_alone_are_attempted_again_where_the_run_says_so(house: House) -> None:
    run = house.submit(retries=1, retry=RetryRule.TIMEOUTS)
    done = house.work(run, {0: [F], 1: [Verdict.TIMED_OUT, P], 2: [P], 3: [P]})
    assert sorted(done) == [0, 1, 1, 2, 3]


def test_adaptive_retries_know_the_tests_history(house: House) -> None:
    for _ in range(4):
        run = house.submit(retries=1)
        house.work(run, {0: [F, P], 1: [P], 2: [P], 3: [P]})
        house.analytics.on_events(house.events(run))
    run = house.submit(retry=RetryRule.ADAPTIVE)
    done = house.work(run, {0: [F] * 9, 1: [F] * 9, 2: [P], 3: [P]})
    assert done.count(0) > done.count(1) > 1


def failed_before(house: House, *argv: str) -> list[str]:
    """What a host is told when it takes over the next run."""
    house.submit(argv=argv)
    grant = house.scheduling.claim(FIRST, 1, {})
    assert grant is not None
    house.scheduling.surrender(Surrender(grant.lease.id))
    return list(grant.last_failed)


def test_command_that_asks_for_it_is_told_what_failed_last(house: House) -> None:
    assert failed_before(house, "pytest", "--lf") == []
    house.work(house.submit(), {0: [F], 1: [P], 2: [P], 3: [P]})
    house.work(house.submit(), {0: [P], 1: [P], 2: [F], 3: [P]})
    assert failed_before(house, "pytest", "--lf", "-q") == ["t.py::test_2"]
    assert failed_before(house, "pytest", "-q") == []


def test_what_failed_in_another_environment_is_not_told(house: House) -> None:
    house.work(house.submit(environment="staging"), {0: [F], 1: [P], 2: [P], 3: [P]})
    assert failed_before(house, "pytest", "--ff") == []


@pytest.mark.parametrize("restarted", [False, True])
def test_late_result_is_refused_and_the_refusal_is_an_event(house: House, restarted: bool) -> None:
    house.scheduling.limits = SchedulingLimits(lease_seconds=-1.0)
    run = house.submit()
    grant = house.scheduling.claim(FIRST, 1, {})
    assert grant is not None
    house.scheduling.tick()
    if restarted:
        house.scheduling = Scheduling(house.records, FakeEntropy("t"))
    late = Report(grant.lease.id, {AttemptId("a1"): result_of(P)})
    with pytest.raises(Fenced):
        house.scheduling.report(late)
    (refused,) = [e for e in house.events(run) if e.type == ResultRefused.type]
    assert refused.data["attempt_ids"] == ["a1"]
