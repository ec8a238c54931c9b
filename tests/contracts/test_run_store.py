"""What every RunStore promises."""

from dataclasses import replace

import pytest

from harness.domain.ids import Digest, RunId
from harness.domain.run import Reason, RunState
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Conflict, InvalidInput, NotFound
from harness.events.envelope import verify_chain
from harness.events.facts import AttemptFinished, CancelRequested
from harness.ports.records import Records
from tests.support.samples import NOON, OTHER_TENANT, SUBMITTED, a_run

ASKED = CancelRequested(by="ann", why="")


def test_run_added_is_read_back_whole(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        stored = tx.runs.add(a_run(), [SUBMITTED])
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.runs.get(stored.id) == stored
    assert replace(stored, seq=0, chain_head=Digest("")) == a_run()


def test_run_saved_is_read_back_whole(records: Records) -> None:
    changed = {
        "state": RunState.ERRORED,
        "reason": Reason.USAGE,
        "message": "no such option",
        "next_token": 4,
        "collected": 3,
        "log": Digest("a" * 64),
        "started_at": NOON,
        "finished_at": NOON,
    }
    with records.transaction(DEFAULT_SCOPE) as tx:
        stored = tx.runs.save(replace(tx.runs.add(a_run(), []), **changed))  # type: ignore[arg-type]  # of many types
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.runs.get(stored.id) == stored
    assert stored == replace(a_run(), version=1, **changed)  # type: ignore[arg-type]  # of many types


def test_run_added_twice_is_a_conflict(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.add(a_run(), [])
    with pytest.raises(Conflict), records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.add(a_run(), [])


def test_run_of_another_scope_is_refused(records: Records) -> None:
    with pytest.raises(InvalidInput), records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.add(a_run(scope=OTHER_TENANT), [])


def test_unknown_run_is_not_found(records: Records) -> None:
    with pytest.raises(NotFound, match="run00009"), records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.get(RunId("run00009"))


def test_stale_save_conflicts_and_leaves_no_event(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        first = tx.runs.add(a_run(), [SUBMITTED])
        second = tx.runs.save(first, [ASKED])
    with pytest.raises(Conflict, match="version 0"), records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.save(first, [ASKED])
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.runs.get(first.id) == second
        assert [event.seq for event in tx.runs.events(first.id)] == [1, 2]


def test_transaction_that_raises_leaves_nothing(records: Records) -> None:
    with pytest.raises(Conflict), records.transaction(DEFAULT_SCOPE) as tx:  # noqa: PT012  # both
        tx.runs.add(a_run(), [SUBMITTED])
        tx.runs.add(a_run(), [SUBMITTED])
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.runs.page() == []
    assert records.outbox(10) == []


def test_events_are_gapless_chained_and_paged(records: Records) -> None:
    finished = AttemptFinished("a", "t\u2028\x00", 0, 1, "passed", 1e-7, "w")
    with records.transaction(DEFAULT_SCOPE) as tx:
        run = tx.runs.add(a_run(), [SUBMITTED])
        run = tx.runs.save(run, [finished] * 30)
    with records.transaction(DEFAULT_SCOPE) as tx:
        events = tx.runs.events(run.id)
        assert verify_chain(events) == run.chain_head
        assert len(events) == run.seq == 31
        assert tx.runs.events(run.id, after=10, limit=5) == events[10:15]
        assert events[1].data == finished.data()


def test_page_is_newest_first_and_filtered(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        runs = [tx.runs.add(a_run(number), []) for number in range(5)]
        ended = tx.runs.save(runs[1].moved(RunState.CANCELLED))
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.runs.page(limit=2) == [runs[4], runs[3]]
        assert tx.runs.page(before=runs[3].id, limit=2) == [runs[2], ended]
        assert tx.runs.page(state=RunState.CANCELLED) == [ended]


def test_of_release_is_newest_first(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        runs = [tx.runs.add(a_run(number, release="abc"), []) for number in range(3)]
        tx.runs.add(a_run(9, release="other"), [])
        assert tx.runs.of_release("abc", limit=2) == [runs[2], runs[1]]
