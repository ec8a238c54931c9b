"""Quotas of tenants hold, however many ask at once."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from harness.domain.ids import ProjectId, TenantId
from harness.domain.principal import Principal, Role
from harness.domain.quota import Quota, QuotaName
from harness.domain.run import Run, RunRequest
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.domain.suite import SuiteVersion
from harness.errors import InvalidInput, QuotaExceeded
from harness.ports.doorbell import SilentDoorbell
from harness.ports.entropy import SystemEntropy
from harness.services.quotas import Quotas
from harness.services.runs import Runs
from harness.services.secrets import Secrets
from harness.stores.file_artifacts import FileArtifacts
from harness.stores.sql.records import SqlRecords

OPERATOR = Principal("olga", DEFAULT_SCOPE.tenant, Role.OPERATOR)
SECOND = Scope(DEFAULT_SCOPE.tenant, ProjectId("second"))
OTHER = Scope(TenantId("other"), ProjectId("default"))
ACTIVE = QuotaName.ACTIVE_RUNS


class House:
    """Submits runs of several projects and tenants."""

    def __init__(self, records: SqlRecords, folder: Path) -> None:
        self.artifacts = FileArtifacts(folder)
        self.quotas = Quotas(records, {ACTIVE: 3})
        secrets = Secrets(records, records.secrets(b"key"))
        self.runs = Runs(
            records, self.artifacts, SystemEntropy(), SilentDoorbell(), self.quotas, secrets
        )

    def submit(self, scope: Scope = DEFAULT_SCOPE, key: str | None = None) -> Run:
        suite, _ = self.artifacts.put(scope, BytesIO(b"suite"), max_bytes=9)
        request = RunRequest(SuiteVersion(suite, "suite"), ("pytest",))
        return self.runs.submit(scope, request, OPERATOR, key)

    def accepts(self, scope: Scope = DEFAULT_SCOPE) -> bool:
        try:
            self.submit(scope)
        except QuotaExceeded:
            return False
        return True

    def active(self) -> Quota:
        found = self.quotas.of_tenant(DEFAULT_SCOPE.tenant)
        return next(quota for quota in found if quota.name is ACTIVE)


@pytest.fixture
def house(records: SqlRecords, tmp_path: Path) -> House:
    return House(records, tmp_path / "artifacts")


def test_200_parallel_submits_against_a_quota_of_10_accept_exactly_10(house: House) -> None:
    house.quotas.set(OPERATOR, ACTIVE, 10)
    scopes = [DEFAULT_SCOPE, SECOND] * 100
    with ThreadPoolExecutor(16) as pool:
        accepted = list(pool.map(house.accepts, scopes))
    assert accepted.count(True) == 10
    assert house.active() == Quota(ACTIVE, 10, 10)


def test_place_is_free_again_when_a_run_ends(house: House) -> None:
    house.quotas.set(OPERATOR, ACTIVE, 1)
    first = house.submit()
    assert not house.accepts()
    house.runs.cancel(DEFAULT_SCOPE, first.id, OPERATOR)
    assert house.accepts()


def test_other_tenants_do_not_count(house: House) -> None:
    house.quotas.set(OPERATOR, ACTIVE, 1)
    assert [house.accepts(), house.accepts(), house.accepts(OTHER)] == [True, False, True]


def test_same_key_gives_the_same_run_even_without_room(house: House) -> None:
    house.quotas.set(OPERATOR, ACTIVE, 1)
    assert house.submit(key="k") == house.submit(key="k")


def test_installations_limit_holds_where_none_was_set(house: House) -> None:
    assert [house.accepts() for _ in range(4)] == [True, True, True, False]
    house.quotas.set(OPERATOR, ACTIVE, 5)
    assert house.accepts()
    house.quotas.set(OPERATOR, ACTIVE, None)
    assert house.active() == Quota(ACTIVE, 3, 4)


def test_refusal_says_what_to_do_and_leaves_nothing(house: House) -> None:
    house.quotas.set(OPERATOR, ACTIVE, 0)
    with pytest.raises(QuotaExceeded, match="has 0 runs under way and may have 0"):
        house.submit(key="later")
    house.quotas.set(OPERATOR, ACTIVE, 1)
    assert house.submit(key="later").request.suite.folder == "suite"


def test_capacity_out_of_range_is_refused(house: House) -> None:
    with pytest.raises(InvalidInput, match="cannot be -1"):
        house.quotas.set(OPERATOR, ACTIVE, -1)
