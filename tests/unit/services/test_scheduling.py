"""Who gets workers, over a real record store, with hosts that this test plays."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.domain.ids import HostId, LeaseId
from harness.domain.principal import Principal, Role
from harness.domain.quota import QuotaName
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.work import Collected
from tests.unit.services.test_rerun import CASES, House

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


def test_place_in_the_queue_is_told_until_a_host_begins(house: House) -> None:
    runs = [house.submit() for _ in range(3)]
    assert [house.runs.place(run) for run in runs] == [0, 1, 2]
    assert house.scheduling.claim(FIRST, 1, {}) is not None
    now = [house.runs.get(DEFAULT_SCOPE, run.id) for run in runs]
    assert [house.runs.place(run) for run in now] == [None, 0, 1]
