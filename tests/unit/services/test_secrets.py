"""A host gets the secrets of the run that it executes, and of no other."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.ids import HostId, LeaseId
from harness.domain.principal import Principal, Role
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Fenced, NotFound
from harness.services.secrets import Secrets
from harness.stores.sql.records import SqlRecords
from tests.fakes.entropy import FakeEntropy
from tests.support.samples import OTHER_PROJECT, SUBMITTED, a_run

ANN = Principal("ann", DEFAULT_SCOPE.tenant, Role.OPERATOR)


@pytest.fixture
def secrets(tmp_path: Path) -> Iterator[Secrets]:
    with closing(SqlRecords(f"sqlite:///{tmp_path / 'r.db'}", FakeEntropy())) as records:
        records.migrate()
        made = Secrets(records, records.secrets(b"key"))
        made.put(DEFAULT_SCOPE, "TOKEN", "hunter2-secret", ANN)
        made.put(DEFAULT_SCOPE, "OTHER", "other-secret", ANN)
        yield made


def leased(secrets: Secrets, *names: str) -> LeaseId:
    run = a_run()
    run = replace(run, request=replace(run.request, secrets=names))
    with secrets.records.transaction(DEFAULT_SCOPE) as tx:
        return tx.leases.grant(tx.runs.add(run, [SUBMITTED]), HostId("h"), 60).id


def test_a_lease_gives_the_secrets_that_its_run_names(secrets: Secrets) -> None:
    assert secrets.of_lease(DEFAULT_SCOPE, leased(secrets, "TOKEN")) == {"TOKEN": "hunter2-secret"}


def test_a_run_that_names_none_gets_none(secrets: Secrets) -> None:
    assert secrets.of_lease(DEFAULT_SCOPE, leased(secrets)) == {}


def test_an_ended_lease_gives_nothing(secrets: Secrets) -> None:
    lease_id = leased(secrets, "TOKEN")
    with secrets.records.transaction(DEFAULT_SCOPE) as tx:
        tx.leases.end(lease_id)
    with pytest.raises(Fenced):
        secrets.of_lease(DEFAULT_SCOPE, lease_id)


def test_another_scope_gets_nothing_under_the_lease(secrets: Secrets) -> None:
    with pytest.raises(Fenced):
        secrets.of_lease(OTHER_PROJECT, leased(secrets, "TOKEN"))


def test_a_secret_deleted_since_is_named(secrets: Secrets) -> None:
    lease_id = leased(secrets, "TOKEN")
    secrets.delete(DEFAULT_SCOPE, "TOKEN")
    with pytest.raises(NotFound, match="no secret TOKEN"):
        secrets.of_lease(DEFAULT_SCOPE, lease_id)
