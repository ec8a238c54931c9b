"""What every Records promises across scopes, writers and processes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from harness.domain.ids import LeaseId, ProjectId, RunId, TenantId
from harness.domain.principal import Principal, Role
from harness.domain.run import RunState
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import Conflict, InvalidInput, NotFound
from harness.events.envelope import verify_chain
from harness.events.facts import CancelRequested
from harness.ports.entropy import SystemEntropy
from harness.ports.records import Records
from harness.stores.sql.records import SqlRecords
from tests.support.samples import (
    OTHER_PROJECT,
    OTHER_TENANT,
    SUBMITTED,
    a_case,
    a_cluster,
    a_run,
    an_attempt,
)

WRITERS = 4
ROUNDS = 15


@pytest.mark.parametrize("stranger", [OTHER_TENANT, OTHER_PROJECT])
def test_another_scope_sees_nothing(records: Records, stranger: Scope) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        run = tx.runs.add(a_run(release="abc"), [SUBMITTED])
        tx.tests.add(run.id, [a_case(0)])
        tx.tests.remember("stable", [], {a_case(0).id: 1.0})
        tx.attempts.add([an_attempt()])
        tx.failures.save(a_cluster())
        tx.once("key", "mine")
    with records.transaction(stranger) as tx:
        assert tx.runs.page() == []
        assert tx.runs.events(run.id) == []
        assert tx.runs.of_release("abc") == []
        assert tx.tests.of_run(run.id) == []
        assert tx.attempts.of_run(run.id) == []
        assert tx.tests.seconds([a_case(0).id]) == {}
        assert tx.failures.clusters("v1") == []
        assert tx.once("key", "theirs") == "theirs"
        with pytest.raises(NotFound):
            tx.runs.get(run.id, lock=True)
        with pytest.raises(NotFound):
            tx.attempts.get(an_attempt().id)


def test_scopes_may_use_the_same_ids(records: Records) -> None:
    for scope in (DEFAULT_SCOPE, OTHER_TENANT, OTHER_PROJECT):
        with records.transaction(scope) as tx:
            tx.runs.add(a_run(scope=scope), [SUBMITTED])
            tx.attempts.add([an_attempt()])
    found = {run.scope for run in records.active_runs()}
    assert found == {DEFAULT_SCOPE, OTHER_TENANT, OTHER_PROJECT}


def test_once_gives_what_stands_there(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.once("key", "first") == "first"
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.once("key", "second") == "first"


def test_active_runs_are_those_not_ended_oldest_first(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        runs = [tx.runs.add(a_run(number), []) for number in (3, 1, 2)]
        tx.runs.save(runs[1].moved(RunState.CANCELLED))
    assert records.active_runs() == [runs[2], runs[0]]


def test_outbox_holds_events_in_order_until_published(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        run = tx.runs.add(a_run(), [SUBMITTED])
        tx.runs.save(run, [CancelRequested("ann", ""), CancelRequested("bob", "")])
    waiting = records.outbox(10)
    assert [event.seq for event in waiting] == [1, 2, 3]
    assert records.outbox(2) == waiting[:2]
    records.published([event.id for event in waiting[:2]])
    assert records.outbox(10) == waiting[2:]
    records.published([])
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.runs.events(run.id) == waiting


def test_key_names_its_principal_until_replaced(records: Records) -> None:
    ann = Principal("ann", TenantId("default"), Role.MEMBER, (ProjectId("web"),))
    bob = Principal("bob", TenantId("other"), Role.OPERATOR)
    records.add_key("hash", ann)
    assert records.principal("hash") == ann
    records.add_key("hash", bob)
    assert records.principal("hash") == bob
    assert records.principal("unknown") is None


def test_text_that_is_no_unicode_is_refused(records: Records) -> None:
    with pytest.raises(InvalidInput), records.transaction(DEFAULT_SCOPE) as tx:
        tx.once("key", "caf\udce9")


def test_read_before_a_write_does_not_hinder_it(records: Records, records_url: str) -> None:
    with closing(SqlRecords(records_url, SystemEntropy())) as other:
        with records.transaction(DEFAULT_SCOPE) as tx:
            assert tx.runs.page() == []
            with other.transaction(DEFAULT_SCOPE) as theirs:
                theirs.runs.add(a_run(1), [])
            tx.runs.add(a_run(2), [])
        with other.transaction(DEFAULT_SCOPE) as tx:
            assert len(tx.runs.page()) == 2


def test_of_racing_writers_exactly_one_wins_each_round(records_url: str) -> None:
    stores = [SqlRecords(records_url, SystemEntropy()) for _ in range(WRITERS)]
    with stores[0].transaction(DEFAULT_SCOPE) as tx:
        run_id = tx.runs.add(a_run(), [SUBMITTED]).id
        tx.attempts.add([an_attempt(index) for index in range(ROUNDS)])
    start = Barrier(WRITERS)
    with ThreadPoolExecutor(WRITERS) as pool:
        wins = list(pool.map(lambda store: race(store, run_id, start), stores))
        leased = list(pool.map(lambda number: lease_all(stores[number], number), range(WRITERS)))
    with stores[0].transaction(DEFAULT_SCOPE) as tx:
        run = tx.runs.get(run_id)
        assert verify_chain(tx.runs.events(run_id)) == run.chain_head
    assert sum(wins) == ROUNDS == run.version == run.seq - 1
    assert sum(leased) == ROUNDS
    for store in stores:
        store.close()


def race(store: SqlRecords, run_id: RunId, start: Barrier) -> int:
    """How often this writer's save won, when all read the same version before any saves."""
    won = 0
    for _ in range(ROUNDS):
        start.wait()
        with store.transaction(DEFAULT_SCOPE) as tx:
            run = tx.runs.get(run_id)
        start.wait()
        try:
            with store.transaction(DEFAULT_SCOPE) as tx:
                tx.runs.save(run, [CancelRequested("ann", "")])
            won += 1
        except Conflict:
            pass
    return won


def lease_all(store: SqlRecords, number: int) -> int:
    with store.transaction(DEFAULT_SCOPE) as tx:
        wanted = [an_attempt(index).id for index in range(ROUNDS)]
        return len(tx.attempts.lease(wanted, LeaseId(f"lease{number}")))
