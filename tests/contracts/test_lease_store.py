"""What every LeaseStore promises."""

from dataclasses import replace

import pytest

from harness.domain.ids import HostId, LeaseId
from harness.domain.lease import Lease
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import Conflict, Fenced
from harness.ports.records import Records, Transaction
from tests.support.samples import OTHER_TENANT, a_run

OVER = -1.0
"""Seconds of a lease that has expired when it is granted."""


def test_granted_lease_is_active_by_the_stores_clock(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        before, lease, after = tx.now(), granted(tx, 60), tx.now()
        assert (lease.expires_at - before).total_seconds() >= 60
        assert (lease.expires_at - after).total_seconds() <= 60
        assert tx.leases.get(lease.id) == lease
        assert tx.leases.of_run(lease.run_id) == [lease]
    assert lease.token == 1
    assert records.expired_leases() == []


def test_expired_lease_is_fenced_listed_and_never_renewed(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        lease = granted(tx, OVER)
        assert tx.leases.renew([lease.id], 60) == []
        assert tx.leases.of_run(lease.run_id) == [lease]
    with pytest.raises(Fenced, match=lease.id), records.transaction(DEFAULT_SCOPE) as tx:
        tx.leases.get(lease.id)
    assert records.expired_leases() == [(DEFAULT_SCOPE, lease)]


def test_lease_is_found_whosever_it_is_and_after_its_end(records: Records) -> None:
    with records.transaction(OTHER_TENANT) as tx:
        lease = granted(tx, 60, OTHER_TENANT)
        tx.leases.end(lease.id)
    assert records.lease(lease.id) == (OTHER_TENANT, lease)
    assert records.lease(LeaseId("never")) is None


def test_ended_lease_is_fenced_and_forgotten(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        lease = granted(tx, OVER)
        tx.leases.end(lease.id)
        assert tx.leases.of_run(lease.run_id) == []
        assert tx.leases.renew([lease.id], 60) == []
    with pytest.raises(Fenced), records.transaction(DEFAULT_SCOPE) as tx:
        tx.leases.get(lease.id)
    assert records.expired_leases() == []


def test_renewed_lease_lasts_from_now(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        lease = granted(tx, 30)
        assert tx.leases.renew([lease.id, LeaseId("unknown")], 600) == [lease.id]
        assert (tx.leases.get(lease.id).expires_at - tx.now()).total_seconds() > 590


def test_lease_of_another_tenant_is_fenced(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        lease = granted(tx, 60)
    with records.transaction(OTHER_TENANT) as tx:
        assert tx.leases.renew([lease.id], 60) == []
        tx.leases.end(lease.id)
        with pytest.raises(Fenced):
            tx.leases.get(lease.id)
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.leases.get(lease.id) == lease


def test_host_gets_one_active_lease_per_run(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        granted(tx, OVER)
        again = tx.leases.grant(replace(a_run(), next_token=2), HostId("h1"), 60)
        tx.leases.grant(replace(a_run(), next_token=3), HostId("h2"), 60)
        with pytest.raises(Conflict, match=again.id):
            tx.leases.grant(replace(a_run(), next_token=4), HostId("h1"), 60)


def test_token_is_never_given_twice(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        granted(tx, OVER)
    with pytest.raises(Conflict), records.transaction(DEFAULT_SCOPE) as tx:
        tx.leases.grant(a_run(), HostId("h2"), 60)


def granted(tx: Transaction, seconds: float, scope: Scope = DEFAULT_SCOPE) -> Lease:
    run = tx.runs.add(a_run(scope=scope), [])
    return tx.leases.grant(run, HostId("h1"), seconds)
