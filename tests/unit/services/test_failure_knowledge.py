"""Earlier failures are found by the names and words that they have, in their project alone."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from harness.domain.attempt import Failure, Frame
from harness.domain.clustering import ALGORITHM, Clusterer
from harness.domain.ids import ProjectId, TenantId, TestId
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.domain.signature import sign
from harness.ports.entropy import SystemEntropy
from harness.ports.knowledge import Knowledge
from harness.ports.records import Records
from harness.services.failure_knowledge import KEPT_SECONDS, MOST_KEPT, FailureMemory
from harness.stores.sql.records import SqlRecords
from tests.fakes.clock import FakeClock
from tests.support.samples import NOON

OTHER = Scope(TenantId("other"), ProjectId("shop"))
SEEN = [
    ("KeyError", "'total'", "cart.totals", "test_cart.py::test_total"),
    ("KeyError", "'total'", "cart.totals", "test_cart.py::test_total"),
    ("TimeoutError", "the search page took 31 s", "search.wait", "test_search.py::test_slow"),
    ("AssertionError", "expected 3 items, got 2", "items.check", "test_items.py::test_count"),
]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    with closing(SqlRecords(f"sqlite:///{tmp_path / 'records.db'}", SystemEntropy())) as found:
        found.migrate()
        numbers = count()
        clusterer = Clusterer.of([], lambda: f"c{next(numbers)}")
        with found.transaction(DEFAULT_SCOPE) as tx:
            for number, (exception, message, frame, test) in enumerate(SEEN):
                failure = Failure(exception, message, (Frame(frame, "app/shop.py", 3),))
                when = NOON + timedelta(hours=number)
                placed = clusterer.place(sign(failure, TestId(test)), when)
                tx.failures.save(placed.cluster)
        yield found


def known(records: Records, scope: Scope) -> Knowledge:
    return FailureMemory(records, FakeClock()).of(scope)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("KeyError: 'total'", "KeyError"),
        ("TimeoutError", "TimeoutError"),
        ("search page is slow", "TimeoutError"),
        ("builtins.AssertionError: expected 4 items", "AssertionError"),
    ],
)
async def test_the_failure_that_shares_most_is_first(
    records: Records, text: str, title: str
) -> None:
    found = await known(records, DEFAULT_SCOPE).search(text, 5)
    assert found[0].title.startswith(title)
    assert 0 < found[0].likeness <= 1
    assert [each.likeness for each in found] == sorted(
        (each.likeness for each in found), reverse=True
    )


async def test_how_often_and_when_it_was_seen_is_told(records: Records) -> None:
    (found,) = await known(records, DEFAULT_SCOPE).search("KeyError total", 1)
    assert (found.times, found.first_seen, found.last_seen) == (2, NOON, NOON + timedelta(hours=1))
    assert "KeyError" in found.reason


@pytest.mark.parametrize("text", ["zebra", "", "\0", "# $ %", "x" * 100_000, "é" * 5_000])
async def test_what_no_failure_has_is_not_found(records: Records, text: str) -> None:
    assert await known(records, DEFAULT_SCOPE).search(text, 5) == []


async def test_another_tenant_knows_nothing_of_it(records: Records) -> None:
    assert await known(records, OTHER).search("KeyError total", 5) == []


async def test_what_happened_is_known_within_a_minute(records: Records) -> None:
    clock = FakeClock()
    memory = FailureMemory(records, clock)
    assert len(await memory.search(DEFAULT_SCOPE, "KeyError", 5)) == 1
    with records.transaction(DEFAULT_SCOPE) as tx:
        seen = tx.failures.clusters(ALGORITHM)
        failure = Failure("KeyError", "'more'", (Frame("mail.sent", "app/mail.py", 3),))
        placed = Clusterer.of(seen, lambda: "new").place(sign(failure, TestId("t")), NOON)
        tx.failures.save(placed.cluster)
    assert len(await memory.search(DEFAULT_SCOPE, "KeyError", 5)) == 1
    clock.advance(KEPT_SECONDS + 1)
    assert len(await memory.search(DEFAULT_SCOPE, "KeyError", 5)) == 2


async def test_only_some_projects_are_kept(records: Records) -> None:
    memory = FailureMemory(records, FakeClock())
    for number in range(MOST_KEPT + 3):
        await memory.search(Scope(TenantId(f"t{number}"), ProjectId("p")), "a", 5)
    assert len(memory._kept) == MOST_KEPT
