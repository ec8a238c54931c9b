"""Which tests go together, and when."""

from hypothesis import given
from hypothesis import strategies as st

from harness.domain.ids import TestId
from harness.domain.plan import Plan
from harness.domain.suite import TestCase

DURATIONS = st.lists(st.floats(0, 20), min_size=1, max_size=60)


def cases(count: int, per_file: int = 5, groups: dict[int, str] | None = None) -> list[TestCase]:
    named = groups or {}
    return [
        TestCase(
            TestId(f"f{n // per_file}.py::t{n}"), n, f"f{n // per_file}.py", None, named.get(n)
        )
        for n in range(count)
    ]


def batches(
    durations: list[float], workers: int = 2, groups: dict[int, str] | None = None
) -> list[list[int]]:
    found = cases(len(durations), groups=groups)
    plan = Plan(found, {case.id: durations[case.index] for case in found}, workers)
    taken = []
    while batch := plan.take():
        taken.append(list(batch))
    assert len(plan) == 0
    return taken


def makespan(durations: list[float], workers: int) -> float:
    """When the last of these workers ends, each taking the next batch as soon as it is free."""
    free = [0.0] * workers
    for batch in batches(durations, workers):
        soonest = free.index(min(free))
        free[soonest] += sum(durations[index] for index in batch)
    return max(free)


@given(DURATIONS, st.integers(1, 8))
def test_every_test_is_given_once_and_files_keep_their_order(
    durations: list[float], workers: int
) -> None:
    taken = batches(durations, workers)
    assert sorted(index for batch in taken for index in batch) == list(range(len(durations)))
    for batch in taken:
        by_file = [[n for n in batch if n // 5 == file] for file in range(12)]
        assert all(tests == sorted(tests) for tests in by_file)


@given(DURATIONS)
def test_one_worker_gets_the_files_in_the_order_of_collection(durations: list[float]) -> None:
    assert [i for batch in batches(durations, 1) for i in batch] == list(range(len(durations)))


@given(DURATIONS, st.dictionaries(st.integers(0, 59), st.sampled_from("xy"), max_size=20))
def test_serial_group_is_in_one_batch(durations: list[float], groups: dict[int, str]) -> None:
    taken = batches(durations, 3, groups)
    for name in "xy":
        members = {n for n, group in groups.items() if group == name and n < len(durations)}
        assert sum(bool(members & set(batch)) for batch in taken) <= 1


@given(DURATIONS, st.integers(2, 4))
def test_workers_end_nearly_together(durations: list[float], workers: int) -> None:
    # Graham's bound of list scheduling, with what one batch may hold besides.
    share = sum(durations) / workers
    assert makespan(durations, workers) <= share + max(durations) + share / 3 + 0.5


def test_long_test_begins_first_though_its_file_has_others() -> None:
    durations = [0.1, 0.1, 0.1, 0.1, 9.0, *[1.0] * 10]
    assert 4 in [index for batch in batches(durations)[:2] for index in batch]


def test_no_long_test_waits_behind_another_where_nobody_can_take_it() -> None:
    durations = [9.0, 0.1, 0.1, 0.1, 0.1, *[1.0] * 10, *[0.02] * 5]
    (batch,) = [batch for batch in batches(durations) if 0 in batch]
    assert durations[batch[batch.index(0) + 1]] < 1


def test_two_long_tests_go_to_two_workers() -> None:
    assert [list(batch) for batch in batches([3.0, 4.0], workers=4)] == [[1], [0]]


def test_file_stays_whole_while_that_balances() -> None:
    assert batches([0.1] * 60)[0] == list(range(10))
