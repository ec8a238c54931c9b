"""Which failures come together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from harness.domain.attempt import Failure, Frame
from harness.domain.clustering import CENTROID_FEATURES, KEYS, Clusterer, Placement
from harness.domain.ids import TestId
from harness.domain.signature import sign

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
REFUSED = Failure(
    "ConnectionError",
    "connection refused by 10.0.0.1:80",
    (Frame("send", "shop/http.py", 5), Frame("load", "shop/cart.py", 9)),
)
MISSING = Failure("KeyError", "'label'", (Frame("render", "shop/page.py", 3),))


def a_clusterer() -> Clusterer:
    numbers = count(1)
    return Clusterer(lambda: f"c{next(numbers)}")


def put(
    clusterer: Clusterer, failure: Failure, test: str = "t.py::test", day: int = 0
) -> Placement:
    return clusterer.place(sign(failure, TestId(test)), NOON + timedelta(days=day))


def test_first_failure_opens_a_cluster() -> None:
    placed = put(a_clusterer(), REFUSED)
    assert (placed.cluster.id, placed.cluster.size, placed.is_new) == ("c1", 1, True)
    assert placed.reason == "New kind of failure: no other is alike."


def test_same_failure_joins_by_its_key() -> None:
    clusterer = a_clusterer()
    put(clusterer, REFUSED)
    again = replace(REFUSED, message="connection refused by 10.0.0.9:8080")
    placed = put(clusterer, again, day=1)
    assert (placed.cluster.id, placed.score, placed.is_new) == ("c1", 1.0, False)
    assert placed.cluster.last_seen == NOON + timedelta(days=1)
    assert placed.cluster.size == 2


def test_alike_failure_joins_and_says_why() -> None:
    clusterer = a_clusterer()
    put(clusterer, MISSING)
    put(clusterer, REFUSED)
    caller = Frame("test_total", "tests/test_cart.py", 8)
    placed = put(clusterer, replace(REFUSED, frames=(*REFUSED.frames, caller)), "t.py::total")
    assert placed.cluster.id == "c2"
    assert 0.55 <= placed.score < 1
    assert (
        placed.reason
        == "Alike in the call of shop.http.send, code in shop.http, the word “refused”."
    )
    assert len(placed.cluster.keys) == 2


def test_unlike_failure_opens_another_cluster() -> None:
    clusterer = a_clusterer()
    put(clusterer, REFUSED)
    assert put(clusterer, MISSING).cluster.id == "c2"


def test_clusters_go_on_after_a_restart() -> None:
    clusterer = a_clusterer()
    stored = [put(clusterer, REFUSED).cluster, put(clusterer, MISSING).cluster]
    restarted = Clusterer.of(stored, lambda: "new")
    assert put(restarted, REFUSED).cluster == replace(stored[0], size=2)
    assert put(restarted, Failure("OSError", "disk on fire"), "other.py::x").cluster.id == "new"


def test_a_stream_is_deterministic() -> None:
    def stream() -> list[Placement]:
        clusterer = a_clusterer()
        return [put(clusterer, a_failure(n), f"t{n % 7}.py::test") for n in range(60)]

    assert stream() == stream()


def test_printed_noise_neither_parts_nor_swells_a_cluster() -> None:
    clusterer = a_clusterer()
    for n in range(KEYS + 60):
        noise = " ".join(
            f"noise{'abcdefghij'[n % 10]}{'xyz' * (n // 10)}{i * 'q'}" for i in range(40)
        )
        cluster = put(clusterer, replace(REFUSED, message=noise)).cluster
    assert cluster.size == KEYS + 60
    assert len(cluster.keys) == KEYS
    assert len(cluster.centroid) <= CENTROID_FEATURES


@pytest.mark.parametrize("number", [0, 1, 2])
def test_faults_in_different_code_stay_apart(number: int) -> None:
    clusterer = a_clusterer()
    ids = {put(clusterer, a_failure(n), f"t{n}.py::test").cluster.id for n in range(30)}
    assert len(ids) == 3
    assert put(clusterer, a_failure(number), "u.py::other").is_new is False


def a_failure(n: int) -> Failure:
    kind = n % 3
    exception, module = [("KeyError", "page"), ("OSError", "disk"), ("ValueError", "form")][kind]
    frames = (Frame(f"f_{module}", f"shop/{module}.py", n), Frame(f"g{n % 5}", "shop/app.py", n))
    return Failure(exception, f"{module} broke in request {n}", frames)
