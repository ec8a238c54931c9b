"""In which turn runs get workers."""

import heapq
from collections.abc import Mapping, Sequence

from harness.domain.ids import TenantId
from harness.domain.priority import Priority
from harness.domain.run import Run


def in_turn(runs: Sequence[Run], used: Mapping[TenantId, int]) -> Sequence[Run]:
    """The runs in the order in which they are served.

    Runs that nobody works on come first. Tenants take turns, the one with the least workers in
    use begins; within a tenant the order is by priority, then by age.
    """
    waiting = [run for run in runs if run.is_waiting]
    served = [run for run in runs if not run.is_waiting]
    return [*_turns(waiting, used), *_turns(served, used)]


def _turns(runs: Sequence[Run], used: Mapping[TenantId, int]) -> Sequence[Run]:
    lines: dict[TenantId, list[Run]] = {}
    for run in sorted(runs, key=_standing, reverse=True):
        lines.setdefault(run.scope.tenant, []).append(run)
    turns = [(used.get(tenant, 0), line[-1].id, tenant) for tenant, line in lines.items()]
    heapq.heapify(turns)
    found = []
    while turns:
        served, _, tenant = heapq.heappop(turns)
        found.append(lines[tenant].pop())
        if lines[tenant]:
            heapq.heappush(turns, (served + 1, lines[tenant][-1].id, tenant))
    return found


def _standing(run: Run) -> tuple[int, str]:
    return list(Priority).index(run.request.priority), run.id
