"""Attempts, moved only by compare-and-set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, bindparam

from harness.domain.attempt import Attempt, AttemptResult, AttemptState
from harness.domain.ids import AttemptId, LeaseId, RunId, TestId
from harness.errors import NotFound
from harness.stores.sql.codec import RESULT, Values
from harness.stores.sql.scoped import Scoped, chunks
from harness.stores.sql.session import Record
from harness.stores.sql.tables import ATTEMPTS

_IS_OPEN = ATTEMPTS.c.result.is_(None)
_IS_QUEUED = ATTEMPTS.c.state == AttemptState.QUEUED


@dataclass(frozen=True, slots=True)
class SqlAttempts:
    """The attempts of one scope."""

    db: Scoped

    def add(self, attempts: Sequence[Attempt]) -> None:
        """Store new, queued attempts."""
        self.db.insert(ATTEMPTS, [_row(attempt) for attempt in attempts])

    def of_run(self, run_id: RunId, *, state: AttemptState | None = None) -> Sequence[Attempt]:
        """By test index, then number."""
        query = self.db.select(ATTEMPTS).where(ATTEMPTS.c.run_id == run_id)
        if state is not None:
            query = query.where(ATTEMPTS.c.state == state)
        if state in {AttemptState.QUEUED, AttemptState.LEASED}:
            query = query.where(_IS_OPEN)  # lets the index of open attempts serve it
        ordered = query.order_by(ATTEMPTS.c.test_index, ATTEMPTS.c.number)
        return [_attempt(row) for row in self.db.rows(ordered)]

    def get(self, attempt_id: AttemptId) -> Attempt:
        """One attempt."""
        found = self.db.rows(self.db.select(ATTEMPTS).where(ATTEMPTS.c.id == attempt_id))
        if not found:
            raise NotFound(f"There is no attempt {attempt_id} in this project. Check the id.")
        return _attempt(found[0])

    def lease(self, attempt_ids: Sequence[AttemptId], lease_id: LeaseId) -> Sequence[AttemptId]:
        """Those that were queued and are now leased, in the order given."""
        queued = self._standing(attempt_ids, _IS_QUEUED)
        for piece in chunks(queued):
            self.db.change(
                self.db.update(ATTEMPTS)
                .where(ATTEMPTS.c.id.in_(piece))
                .values(state=AttemptState.LEASED, lease_id=lease_id)
            )
        return queued

    def finish(
        self, results: Mapping[AttemptId, AttemptResult], lease_id: LeaseId | None
    ) -> Sequence[AttemptId]:
        """Those that stood under this lease (None: were queued) and are now finished."""
        stood = self._standing(list(results), _stands(lease_id))
        one = self.db.update(ATTEMPTS).where(ATTEMPTS.c.id == bindparam("attempt"))
        self.db.change_many(
            one.values(state=AttemptState.FINISHED, result=bindparam("outcome")),
            [{"attempt": each, "outcome": RESULT.text(results[each])} for each in stood],
        )
        return stood

    def release(self, lease_id: LeaseId) -> Sequence[Attempt]:
        """Put the lease's unfinished attempts back into the queue; gives them."""
        query = self.db.select(ATTEMPTS).where(_stands(lease_id), _IS_OPEN)
        held = self.db.locked(query.order_by(ATTEMPTS.c.test_index, ATTEMPTS.c.number))
        for piece in chunks([row.id for row in held]):
            self.db.change(
                self.db.update(ATTEMPTS)
                .where(ATTEMPTS.c.id.in_(piece))
                .values(state=AttemptState.QUEUED, lease_id=None)
            )
        return [_queued(row) for row in held]

    def _standing(
        self, attempt_ids: Sequence[AttemptId], condition: ColumnElement[bool]
    ) -> list[AttemptId]:
        """Those that meet the condition, locked, in the order given."""
        query = self.db.select(ATTEMPTS, ATTEMPTS.c.id).where(condition, _IS_OPEN)
        found = {
            row.id
            for piece in chunks(sorted(set(attempt_ids)))
            for row in self.db.locked(query.where(ATTEMPTS.c.id.in_(piece)))
        }
        return [each for each in dict.fromkeys(attempt_ids) if each in found]


def _stands(lease_id: LeaseId | None) -> ColumnElement[bool]:
    if lease_id is None:
        return _IS_QUEUED
    return (ATTEMPTS.c.lease_id == lease_id) & (ATTEMPTS.c.state == AttemptState.LEASED)


def _row(attempt: Attempt) -> Values:
    return {
        "id": attempt.id,
        "run_id": attempt.run_id,
        "test_id": attempt.test_id,
        "test_index": attempt.test_index,
        "number": attempt.number,
        "round": attempt.round,
        "state": attempt.state,
        "lease_id": attempt.lease_id,
        "result": None if attempt.result is None else RESULT.text(attempt.result),
    }


def _attempt(row: Record) -> Attempt:
    return Attempt(
        id=AttemptId(row.id),
        run_id=RunId(row.run_id),
        test_id=TestId(row.test_id),
        test_index=row.test_index,
        number=row.number,
        round=row.round,
        state=AttemptState(row.state),
        lease_id=None if row.lease_id is None else LeaseId(row.lease_id),
        result=None if row.result is None else RESULT.value(row.result),
    )


def _queued(row: Record) -> Attempt:
    return replace(_attempt(row), state=AttemptState.QUEUED, lease_id=None)
