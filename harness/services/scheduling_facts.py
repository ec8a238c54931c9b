"""What the scheduler says happened, made of what it decided."""

from collections.abc import Sequence

from harness.domain.attempt import Attempt, AttemptResult, Failure, Phase, Verdict
from harness.domain.ids import AttemptId
from harness.domain.lease import Lease
from harness.domain.work import Batch
from harness.events.facts import (
    AttemptFinished,
    AttemptsLeased,
    AttemptsQueued,
    Fact,
    LeaseEnded,
)
from harness.services.active_run import ActiveRun

MESSAGE_CHARACTERS = 300


def unfinished(
    active: ActiveRun, lease: Lease, trouble: str | None
) -> dict[AttemptId, AttemptResult]:
    """Results of what the lease leaves behind: errored by some trouble, or else cancelled."""
    result = AttemptResult(Verdict.CANCELLED, worker=lease.host)
    if trouble:
        failure = Failure("InfrastructureError", f"The attempt did not finish: {trouble}.")
        phase = Phase("worker", "failed", failure=failure)
        result = AttemptResult(Verdict.ERRORED, phases=(phase,), worker=lease.host)
    return {attempt.id: result for attempt in active.under(lease.id)}


def batch_of(attempts: Sequence[Attempt]) -> Batch:
    """What a worker gets of these attempts."""
    return Batch(tuple((attempt.id, attempt.test_index) for attempt in attempts))


def leased_fact(lease: Lease, worker: str, batch: Sequence[Attempt]) -> AttemptsLeased:
    """These attempts were given to a worker."""
    return AttemptsLeased(
        lease_id=lease.id,
        token=lease.token,
        worker=worker,
        tests=[attempt.test_index for attempt in batch],
    )


def queued_facts(wanted: Sequence[Attempt]) -> list[Fact]:
    """These tests are attempted again, by reason."""
    facts: list[Fact] = []
    for why, lost in (("retry", False), ("infrastructure", True)):
        tests = [
            attempt.test_index
            for attempt in wanted
            if attempt.result and (attempt.result.verdict is Verdict.ERRORED) is lost
        ]
        if tests:
            facts.append(AttemptsQueued(count=len(tests), why=why, tests=tests))
    return facts


def finished_fact(attempt: Attempt) -> AttemptFinished:
    """This attempt came to its verdict."""
    result = attempt.result or AttemptResult(Verdict.ERRORED)
    failure = result.failure
    return AttemptFinished(
        attempt_id=attempt.id,
        test_id=attempt.test_id,
        test_index=attempt.test_index,
        number=attempt.number,
        verdict=result.verdict,
        seconds=round(result.seconds, 6),
        worker=result.worker,
        exception=failure.exception if failure else "",
        message=failure.message.strip().partition("\n")[0][:MESSAGE_CHARACTERS] if failure else "",
    )


def lease_ended(lease: Lease, why: str) -> LeaseEnded:
    """The lease has ended."""
    return LeaseEnded(lease_id=lease.id, host=lease.host, token=lease.token, why=why)
