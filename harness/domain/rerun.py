"""Which tests of a run are attempted again when it is reopened."""

from collections.abc import Collection, Sequence

from harness.domain.attempt import Verdict
from harness.domain.ids import TestId
from harness.domain.regression import cannot_be_collected
from harness.domain.results import RunResults, TestOutcome
from harness.errors import InvalidInput

UNSETTLED = frozenset({Verdict.FAILED, Verdict.TIMED_OUT, Verdict.ERRORED, Verdict.CANCELLED})


def tests_to_rerun(results: RunResults, named: Collection[TestId]) -> Sequence[TestOutcome]:
    """The tests of these ids; of none, those that failed, errored or did not come to an end.

    Files that could not be collected hold no test that could be executed.

    Raises:
        InvalidInput: nothing is left, or the run has no such test.
    """
    able = [test for test in results.tests if not cannot_be_collected(test)]
    if not named:
        chosen = [test for test in able if test.verdict is None or test.verdict in UNSETTLED]
        if not chosen:
            raise InvalidInput(f"Run {results.run_id} has no failed test that could be rerun.")
        return chosen
    wanted = set(named)
    unknown = sorted(wanted - {test.case.id for test in able})
    if unknown:
        raise InvalidInput(
            f"Run {results.run_id} has no test {unknown[0]!r} that could be rerun. "
            "Name tests as the run's report does."
        )
    return [test for test in able if test.case.id in wanted]
