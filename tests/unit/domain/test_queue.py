"""Whose turn it is."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from harness.domain.ids import ProjectId, RunId, TenantId
from harness.domain.priority import Priority
from harness.domain.queue import in_turn
from harness.domain.run import Run, RunState
from harness.domain.scope import Scope
from tests.support.samples import a_run

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TENANTS = [TenantId("a"), TenantId("b"), TenantId("c")]
PRIORITIES = list(Priority)


def run(
    number: int, tenant: str = "a", priority: Priority = Priority.NORMAL, *, begun: bool = False
) -> Run:
    plain = a_run(number)
    found = replace(
        plain,
        id=RunId(f"run{number:05}"),
        scope=Scope(TenantId(tenant), ProjectId("default")),
        request=replace(plain.request, priority=priority),
    )
    return replace(found, state=RunState.RUNNING, started_at=NOW) if begun else found


def order(*runs: Run, **used: int) -> list[int]:
    counts = {TenantId(tenant): count for tenant, count in used.items()}
    return [int(each.id.removeprefix("run")) for each in in_turn(runs, counts)]


def test_older_runs_of_one_tenant_come_first() -> None:
    assert order(run(2), run(1), run(3)) == [1, 2, 3]


def test_tenants_take_turns_however_many_runs_one_submits() -> None:
    assert order(run(1), run(2), run(3), run(4, "b"), run(5, "b")) == [1, 4, 2, 5, 3]


def test_tenant_with_fewer_workers_in_use_comes_first() -> None:
    assert order(run(1), run(2, "b"), a=2) == [2, 1]


def test_priority_orders_the_runs_of_its_tenant_and_of_no_other() -> None:
    mine = run(1), run(2, priority=Priority.HIGH), run(3, priority=Priority.LOW), run(5)
    assert order(*mine) == [2, 1, 5, 3]
    assert order(run(1, "b"), run(2, priority=Priority.HIGH), a=1) == [1, 2]


def test_runs_that_wait_come_before_runs_that_have_workers() -> None:
    assert order(run(1, begun=True), run(2), a=1) == [2, 1]


@given(
    st.lists(
        st.tuples(st.sampled_from(TENANTS), st.sampled_from(PRIORITIES), st.booleans()),
        max_size=30,
    ),
    st.dictionaries(st.sampled_from(TENANTS), st.integers(0, 5)),
)
def test_nobody_is_lost_and_no_tenant_waits_for_two_turns_of_another(
    kinds: list[tuple[TenantId, Priority, bool]], used: dict[TenantId, int]
) -> None:
    runs = [run(n, tenant, priority, begun=b) for n, (tenant, priority, b) in enumerate(kinds)]
    served = in_turn(runs, used)
    assert sorted(each.id for each in served) == sorted(each.id for each in runs)
    waiting = [each.scope.tenant for each in served if each.is_waiting]
    for place, tenant in enumerate(waiting):
        before = {each: waiting[:place].count(each) + used.get(each, 0) for each in TENANTS}
        rivals = [before[each] for each in set(waiting[place:])]
        assert before[tenant] == min(rivals)
