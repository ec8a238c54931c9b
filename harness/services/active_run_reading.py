"""What the scheduler remembers of a run, read from the store."""

from collections.abc import Sequence

from harness.domain.attempt import Attempt
from harness.domain.retry_rule import RetryRule
from harness.domain.run import Run
from harness.domain.suite import TestCase
from harness.ports.records import Transaction
from harness.services.active_run import ActiveRun


def active_run(
    tx: Transaction, run: Run, cases: Sequence[TestCase], attempts: Sequence[Attempt]
) -> ActiveRun:
    """The run's attempts, planned by the durations that earlier runs measured."""
    ids = [case.id for case in cases]
    environment = run.request.environment.name if run.request.environment else ""
    asks = run.request.retry is RetryRule.ADAPTIVE
    histories = tx.tests.histories(environment, ids) if asks else ()
    return ActiveRun.of(run, cases, attempts, tx.tests.seconds(ids), histories)
