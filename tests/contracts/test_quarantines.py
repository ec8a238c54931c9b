"""Quarantines of a project."""

from datetime import timedelta

import pytest

from harness.domain.ids import ProjectId, TestId
from harness.domain.principal import Principal, Role
from harness.domain.quarantine import Quarantine, marked
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.domain.suite import TestCase
from harness.errors import InvalidInput, NotFound
from harness.ports.records import Records
from harness.services.quarantines import Quarantines

ANN = Principal("ann", DEFAULT_SCOPE.tenant, Role.MEMBER)
SECOND = Scope(DEFAULT_SCOPE.tenant, ProjectId("second"))


def now(records: Records) -> Quarantine:
    return Quarantines(records).put(DEFAULT_SCOPE, ANN, "clock", "to read the clock", None)


def test_what_was_put_is_listed_by_pattern_until_it_is_lifted(records: Records) -> None:
    quarantines = Quarantines(records)
    until = now(records).since + timedelta(days=7)
    second = quarantines.put(DEFAULT_SCOPE, ANN, "b.py::*", "SHOP-2", until)
    first = quarantines.put(DEFAULT_SCOPE, ANN, "a.py::test[é]", "SHOP-1", None)
    quarantines.lift(DEFAULT_SCOPE, "clock")
    assert quarantines.list(DEFAULT_SCOPE) == [first, second]
    assert quarantines.list(SECOND) == []
    replaced = quarantines.put(DEFAULT_SCOPE, ANN, "b.py::*", "SHOP-3", None)
    assert quarantines.list(DEFAULT_SCOPE) == [first, replaced]
    with pytest.raises(NotFound, match="no quarantine of 'c'"):
        quarantines.lift(DEFAULT_SCOPE, "c")
    with pytest.raises(NotFound, match="no quarantine"):
        quarantines.lift(SECOND, "b.py::*")


def test_what_says_nothing_is_refused(records: Records) -> None:
    quarantines = Quarantines(records)
    since = now(records).since
    for pattern, reason, until in (
        ("", "why", None),
        ("t", " ", None),
        ("t", "x" * 1001, None),
        ("t", "why", since - timedelta(seconds=1)),
    ):
        with pytest.raises(InvalidInput):
            quarantines.put(DEFAULT_SCOPE, ANN, pattern, reason, until)
    assert [each.pattern for each in quarantines.list(DEFAULT_SCOPE)] == ["clock"]


def test_ids_with_brackets_stand_for_themselves_and_time_ends_it(records: Records) -> None:
    since = now(records).since
    until = since + timedelta(days=1)
    held = Quarantine("t.py::test[a-*]", "SHOP-1", "ann", since, until)
    cases = [TestCase(TestId(f"t.py::test[{name}]"), 0, "t.py") for name in ("a-1", "b-1", "a")]
    assert [c.quarantined for c in marked(cases, [held], since)] == ["SHOP-1", None, None]
    assert [c.quarantined for c in marked(cases, [held], until)] == [None, None, None]
