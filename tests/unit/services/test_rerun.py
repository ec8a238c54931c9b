"""Runs that are reopened, over a real record store, with a host that this test plays."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.domain.assessment import TestHistory
from harness.domain.attempt import AttemptResult, Failure, Phase, Verdict
from harness.domain.ids import TestId
from harness.domain.run import RunState
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.suite import TestCase
from harness.domain.work import Broken, Collected
from harness.errors import Conflict, InvalidInput
from harness.events.facts import RunAssessed, RunFinished, RunReopened
from harness.services.scheduling import Scheduling
from tests.fakes.entropy import FakeEntropy
from tests.support.house import CASES, F, House, P


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    with closing(house.records):
        yield house


def test_failed_tests_are_attempted_again_within_the_run(house: House) -> None:
    run = house.submit()
    house.work(run, {0: [P], 1: [F], 2: [P], 3: [F]})
    reopened = house.rerun(run)
    assert (reopened.state, reopened.round, reopened.finished_at) == (RunState.RUNNING, 1, None)
    assert house.work(run, {1: [P], 3: [F]}) == [1, 3]
    assert house.look(run) == (RunState.FAILED, [P, Verdict.FLAKY, P, F])
    house.rerun(run)
    assert house.work(run, {3: [P]}) == [3]
    assert house.look(run) == (RunState.PASSED, [P, Verdict.FLAKY, P, Verdict.FLAKY])


def test_each_round_has_one_end_in_an_unbroken_chain(house: House) -> None:
    run = house.submit()
    house.work(run, {0: [P], 1: [F], 2: [P], 3: [P]})
    house.rerun(run)
    house.work(run, {1: [P]})
    ends = [e.data["round"] for e in house.events(run) if e.type == RunFinished.type]
    reopened = [dict(e.data) for e in house.events(run) if e.type == RunReopened.type]
    assert ends == [0, 1]
    assert reopened == [{"by": "ann", "round": 1, "tests": [1]}]


def test_named_tests_are_attempted_again_though_they_passed(house: House) -> None:
    run = house.submit()
    house.work(run, {index: [P] for index in range(4)})
    house.rerun(run, "t.py::test_2")
    assert house.work(run, {2: [F]}) == [2]
    assert house.look(run) == (RunState.FAILED, [P, P, F, P])


def test_retries_count_anew_in_each_round(house: House) -> None:
    run = house.submit(retries=1)
    house.work(run, {0: [P], 1: [F, F], 2: [P], 3: [P]})
    house.rerun(run)
    assert house.work(run, {1: [F, P]}) == [1, 1]
    assert house.look(run) == (RunState.PASSED, [P, Verdict.FLAKY, P, P])


def test_stopping_after_a_failure_counts_anew_in_each_round(house: House) -> None:
    run = house.submit()
    first = Collected(CASES, max_failures=1)
    house.work(run, {0: [F], 1: [P], 2: [P], 3: [P]}, first)
    house.rerun(run)
    assert house.work(run, {0: [P], 1: [P], 2: [P], 3: [P]}, first)[0] == 0
    assert house.look(run)[0] is RunState.PASSED


def test_a_restarted_scheduler_goes_on_with_the_round(house: House) -> None:
    run = house.submit(retries=1)
    house.work(run, {0: [P], 1: [F, F], 2: [P], 3: [P]})
    house.rerun(run)
    house.scheduling = Scheduling(house.records, FakeEntropy("t"))
    assert house.work(run, {1: [F, P]}) == [1, 1]


def test_a_run_that_goes_on_is_not_reopened(house: House) -> None:
    run = house.submit()
    with pytest.raises(Conflict, match=r"is submitted\. Wait for its end"):
        house.rerun(run)


def test_a_run_in_which_nothing_failed_is_not_reopened(house: House) -> None:
    run = house.submit()
    house.work(run, {index: [P] for index in range(4)})
    before = house.events(run)
    with pytest.raises(InvalidInput, match="no failed test"):
        house.rerun(run)
    with pytest.raises(InvalidInput, match=r"no test 't\.py::other'"):
        house.rerun(run, "t.py::other")
    assert house.events(run) == before


def test_a_file_that_could_not_be_collected_is_not_attempted(house: House) -> None:
    run = house.submit()
    failure = Phase("collect", "failed", failure=Failure("SyntaxError", "bad"))
    broken = Broken(TestCase(TestId("u.py"), 4, "u.py"), AttemptResult(F, phases=(failure,)))
    house.work(run, {}, Collected(CASES, [broken]))
    with pytest.raises(InvalidInput, match="no failed test"):
        house.rerun(run)


def test_one_idempotency_key_reopens_once(house: House) -> None:
    run = house.submit()
    house.work(run, {0: [F], 1: [P], 2: [P], 3: [P]})
    assert house.rerun(run, key="k").round == 1
    assert house.rerun(run, key="k").round == 1
    house.work(run, {0: [F]})
    assert house.rerun(run, key="k").state is RunState.FAILED
    assert house.rerun(run, key="l").round == 2


@pytest.mark.parametrize("late", [False, True], ids=["each round at once", "both rounds late"])
def test_history_counts_a_run_once_as_it_ended(house: House, late: bool) -> None:
    run = house.submit()
    house.work(run, {0: [P], 1: [F], 2: [P], 3: [F]})
    if not late:
        house.analytics.on_events(house.events(run))
        assert house.history(1) == TestHistory(CASES[1].id, 1, 1, 0)
    house.rerun(run)
    house.work(run, {1: [P], 3: [F]})
    house.analytics.on_events(house.events(run))
    assert house.history(0) == TestHistory(CASES[0].id, 1, 0, 0)
    assert house.history(1) == TestHistory(CASES[1].id, 1, 0, 1)
    assert house.history(3) == TestHistory(CASES[3].id, 1, 1, 0)
    rounds = [e.data["round"] for e in house.events(run) if e.type == RunAssessed.type]
    assert rounds == ([1] if late else [0, 1])


def test_a_reopened_run_is_to_be_assessed_again(house: House) -> None:
    run = house.submit()
    house.work(run, {0: [P], 1: [F], 2: [P], 3: [P]})
    house.analytics.on_events(house.events(run))
    assert house.runs.assessment(DEFAULT_SCOPE, run.id) is not None
    house.rerun(run)
    assert house.runs.assessment(DEFAULT_SCOPE, run.id) is None
