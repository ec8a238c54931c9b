"""Which tests failed when a suite ran before, for pytest's `--lf` and `--ff`."""

from collections.abc import Sequence

from harness.domain.ids import TestId
from harness.domain.rerun import UNSETTLED
from harness.domain.run import Run
from harness.ports.records import Transaction
from harness.services.runs import run_results

ASKING = frozenset({"--lf", "--last-failed", "--ff", "--failed-first"})
LOOKED_AT = 50
"""Runs of the project, newest first, among which one of the suite is sought."""


def last_failed(tx: Transaction, run: Run) -> Sequence[TestId]:
    """Tests that did not pass in the newest earlier run of the suite in the same environment.

    None where the command does not ask for them.
    """
    if not ASKING & set(run.request.argv):
        return ()
    earlier = tx.runs.page(before=run.id, limit=LOOKED_AT)
    same = (each for each in earlier if each.collected and _suite(each) == _suite(run))
    newest = next((each for each in same if each.state.is_terminal), None)
    if newest is None:
        return ()
    return [test.case.id for test in run_results(tx, newest.id).tests if test.verdict in UNSETTLED]


def _suite(run: Run) -> tuple[str, str, str]:
    environment = run.request.environment.name if run.request.environment else ""
    return run.request.suite.folder, run.request.suite.cwd, environment
