"""What the scheduler says happened, made of what it decided."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from harness.domain.attempt import Attempt, AttemptResult, Failure, Phase, Verdict
from harness.domain.browser import BrowserQuota, BrowserType
from harness.domain.ids import AttemptId
from harness.domain.lease import Lease
from harness.domain.quota import QuotaName
from harness.domain.run import Reason, Run, RunState
from harness.domain.suite import TestCase
from harness.domain.work import Batch, Grant
from harness.errors import Conflict
from harness.events.facts import (
    AttemptFinished,
    AttemptsLeased,
    AttemptsQueued,
    Fact,
    LeaseEnded,
    RunFinished,
)
from harness.ports.records import Transaction
from harness.services.active_run import ActiveRun
from harness.services.last_failed import last_failed

MESSAGE_CHARACTERS = 300
STATE_OF_REASON = {
    Reason.USAGE: RunState.INCONCLUSIVE,
    Reason.NO_TESTS: RunState.INCONCLUSIVE,
    Reason.COLLECTION: RunState.FAILED,
    Reason.COVERAGE: RunState.FAILED,
}
MESSAGES = {
    Reason.NO_TESTS: "No test ran: nothing was collected, or everything was "
    "deselected or quarantined.",
    Reason.INFRASTRUCTURE: "Tests could not be executed; see the errored attempts.",
}


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


def first_grant(
    tx: Transaction, lease: Lease, run: Run, workers: int, test_seconds: float
) -> Grant:
    """Everything a host is told when it begins with a run."""
    names, browsers = last_failed(tx, run), _browser_quota(tx)
    kept = sum(artifact.size for artifact in tx.artifacts(run.id))
    return Grant(lease, run, workers, test_seconds, names, _submitter(tx, run), browsers, kept)


def _submitter(tx: Transaction, run: Run) -> str:
    """The name of the principal who submitted the run, as its first event tells it."""
    first = tx.runs.events(run.id, limit=1)
    return str(first[0].data["submitted_by"]) if first else ""


def _browser_quota(tx: Transaction) -> BrowserQuota:
    """What the transaction's tenant may have of the pool's browsers."""
    chromium = tx.quotas.capacity(QuotaName.BROWSERS_CHROMIUM)
    return BrowserQuota(
        tx.quotas.capacity(QuotaName.BROWSERS),
        {} if chromium is None else {BrowserType.CHROMIUM: chromium},
    )


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


def ending(run: Run, now: datetime, verdicts: Sequence[Verdict]) -> tuple[Run, RunFinished]:
    """A run that moved to its terminal state, as it is stored, and the fact that says so."""
    begun = run.created_at if run.round == 0 else run.started_at or now
    fact = RunFinished(
        state=run.state,
        reason=run.reason,
        message=run.message,
        counts={
            verdict.value: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts
        },
        seconds=(now - begun).total_seconds(),
        round=run.round,
    )
    return replace(run, finished_at=now), fact


def must_agree(stored: Sequence[TestCase], found: Sequence[TestCase]) -> None:
    """Refuse a second collection that differs from the first.

    Raises:
        Conflict: names the first test that differs.
    """
    here = {case.index: case.id for case in stored}
    wrong = next((case for case in found if here.get(case.index) != case.id), None)
    if wrong:
        raise Conflict(
            f"Test {wrong.index} is {wrong.id!r} here but {here.get(wrong.index)!r} where the "
            "suite was collected first. Make test ids the same in every process."
        )
