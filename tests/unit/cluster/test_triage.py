"""What is told of a failure cluster."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster.cli.triage import Sighting, chosen, explanation
from harness.domain.attempt import Failure, Frame
from harness.domain.failure_cluster import FailureCluster
from harness.domain.ids import ClusterId
from harness.errors import InvalidInput

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def a_cluster(name: str = "c1", title: str = "KeyError: 'price' in cart.py") -> FailureCluster:
    return FailureCluster(ClusterId(name), title, {}, (), 7, NOON, NOON, "signature-1")


def seen(number: int, *tests: str) -> Sighting:
    return Sighting(f"r{number}", NOON + timedelta(hours=number), frozenset(tests))


def a_failure(*places: str) -> Failure:
    frames = tuple(Frame(name, "cart.py", 7) for name in places)
    runner = Frame("pytest_pyfunc_call", "/v/lib/python3.11/site-packages/_pytest/python.py", 1)
    return Failure("KeyError", "'price'\x1b[2J", (*frames, runner))


def test_cluster_is_explained_by_what_is_known() -> None:
    sightings = [seen(4, "t.py::b"), seen(1), seen(3), seen(2, "t.py::a", "t.py::b")]
    failures = [a_failure("total", "pay"), a_failure("total", "ship"), a_failure("total", "pay")]
    assert list(explanation(a_cluster(), sightings, failures)) == [
        "c1: KeyError: 'price' in cart.py",
        "7 failures since 2026-01-02 12:00, the last 2026-01-02 12:00",
        "in 2 of the last 4 runs, first in r2",
        "not in r1, the run before that",
        "since then 1 run without it: it comes and goes",
        "tests: t.py::a, t.py::b",
        "3 times KeyError",
        "in common: cart.total; cart.pay",
        "for example: 'price'\\x1b[2J",
    ]


@pytest.mark.parametrize("name", ["c1", "KEYERROR price", "cart.py"])
def test_cluster_is_chosen_by_id_or_title(name: str) -> None:
    clusters = [a_cluster(), a_cluster(), a_cluster("c2", "TimeoutError: slow")]
    assert chosen(name, clusters).id == "c1"


@pytest.mark.parametrize(
    ("name", "wanted"), [("error", "Several clusters are"), ("disk", "No cluster is like 'disk'")]
)
def test_unclear_name_lists_what_there_is(name: str, wanted: str) -> None:
    clusters = [a_cluster(), a_cluster("c2", "TimeoutError: slow"), a_cluster("c3", "Exit")]
    with pytest.raises(InvalidInput, match=wanted) as refused:
        chosen(name, clusters)
    lines = str(refused.value).splitlines()
    assert lines[2] == "  c2  TimeoutError: slow"
    assert ("  c3  Exit" in lines) is (name == "disk")


def test_run_in_which_nothing_failed_has_nothing_to_choose() -> None:
    with pytest.raises(InvalidInput, match="Nothing failed in that run"):
        chosen("any", [])
