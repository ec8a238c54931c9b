"""What every AttemptStore promises."""

from collections.abc import Sequence

import pytest

from harness.domain.attempt import Attempt, AttemptState
from harness.domain.ids import AttemptId, LeaseId
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Conflict, NotFound
from harness.ports.records import Records, Transaction
from tests.support.samples import a_result, a_run, an_attempt

MINE, THEIRS = LeaseId("mine"), LeaseId("theirs")


def test_attempts_come_by_index_then_number(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.add(a_run(), [])
        tx.attempts.add([an_attempt(1), an_attempt(0, 2), an_attempt(0)])
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.attempts.of_run(a_run().id) == [an_attempt(0), an_attempt(0, 2), an_attempt(1)]
        assert tx.attempts.get(an_attempt(1).id) == an_attempt(1)


def test_attempt_without_its_run_is_refused(records: Records) -> None:
    with pytest.raises(NotFound), records.transaction(DEFAULT_SCOPE) as tx:
        tx.attempts.add([an_attempt()])


def test_same_number_twice_is_a_conflict(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        queued(tx, 1)
    with pytest.raises(Conflict), records.transaction(DEFAULT_SCOPE) as tx:
        tx.attempts.add([an_attempt()])


def test_unknown_attempt_is_not_found(records: Records) -> None:
    with pytest.raises(NotFound, match="nobody"), records.transaction(DEFAULT_SCOPE) as tx:
        tx.attempts.get(AttemptId("nobody"))


def test_lease_takes_only_queued_ones_in_the_order_given(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        a, b, c = ids(queued(tx, 3))
        assert tx.attempts.lease([b], THEIRS) == [b]
        assert tx.attempts.lease([c, b, a, c], MINE) == [c, a]
        leased = tx.attempts.of_run(a_run().id, state=AttemptState.LEASED)
    assert [each.lease_id for each in leased] == [MINE, THEIRS, MINE]


def test_finish_takes_only_those_under_the_lease(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        a, b, c = ids(queued(tx, 3))
        tx.attempts.lease([a], MINE)
        tx.attempts.lease([b], THEIRS)
        assert tx.attempts.finish(dict.fromkeys([c, b, a], a_result()), MINE) == [a]
        assert tx.attempts.finish(dict.fromkeys([a, b, c], a_result()), None) == [c]
        assert tx.attempts.finish({a: a_result()}, MINE) == []
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.attempts.get(a).result == a_result()
        finished = tx.attempts.of_run(a_run().id, state=AttemptState.FINISHED)
    assert [each.id for each in finished] == [a, c]


def test_release_requeues_only_the_unfinished(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        attempts = queued(tx, 3)
        a, b, c = ids(attempts)
        tx.attempts.lease([a, b], MINE)
        tx.attempts.lease([c], THEIRS)
        tx.attempts.finish({a: a_result()}, MINE)
        assert tx.attempts.release(MINE) == [attempts[1]]
        assert tx.attempts.of_run(a_run().id, state=AttemptState.QUEUED) == [attempts[1]]
        assert tx.attempts.finish({b: a_result()}, MINE) == []


def test_more_attempts_than_one_statement_takes(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        everyone = ids(queued(tx, 1201))
        assert tx.attempts.lease(everyone, MINE) == everyone
        assert tx.attempts.finish(dict.fromkeys(everyone, a_result()), MINE) == everyone


def queued(tx: Transaction, count: int) -> Sequence[Attempt]:
    tx.runs.add(a_run(), [])
    attempts = [an_attempt(index) for index in range(count)]
    tx.attempts.add(attempts)
    return attempts


def ids(attempts: Sequence[Attempt]) -> list[AttemptId]:
    return [attempt.id for attempt in attempts]
