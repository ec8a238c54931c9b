"""What the stores of tests, failures and assessments promise."""

from datetime import timedelta

from harness.domain.assessment import Assessment, Readiness, TestHistory
from harness.domain.attempt import ArtifactRef
from harness.domain.ids import Digest, TestId
from harness.domain.scope import DEFAULT_SCOPE
from harness.ports.records import Records
from tests.support.samples import NOON, a_case, a_cluster, a_run, an_assignment

RUN = a_run().id
A, B = TestId("a"), TestId("b")


def test_cases_come_in_the_order_of_collection(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.add(a_run(), [])
        tx.tests.add(RUN, [a_case(1), a_case(0)])
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.tests.of_run(RUN) == [a_case(0), a_case(1)]


def test_remembered_tests_are_replaced(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        tx.tests.remember("stable", [TestHistory(A, 1), TestHistory(B, 2, 1, 1)], {A: 1.5})
        tx.tests.remember("stable", [TestHistory(A, 2)], {A: 0.5})
        tx.tests.remember("candidate", [TestHistory(A, 9)], {})
    with records.transaction(DEFAULT_SCOPE) as tx:
        found = tx.tests.histories("stable", [A, B, TestId("unknown")])
        assert sorted(found, key=lambda each: each.test_id) == [
            TestHistory(A, 2),
            TestHistory(B, 2, 1, 1),
        ]
        assert tx.tests.seconds([A, B]) == {A: 0.5}


def test_clusters_are_replaced_and_come_by_last_seen(records: Records) -> None:
    later = a_cluster("c2", last_seen=NOON + timedelta(microseconds=1))
    with records.transaction(DEFAULT_SCOPE) as tx:
        tx.failures.save(a_cluster("c1"))
        tx.failures.save(later)
        tx.failures.save(a_cluster("c1", size=2))
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.failures.clusters("v1") == [later, a_cluster("c1", size=2)]
        assert tx.failures.clusters("v1", limit=1) == [later]
        assert tx.failures.clusters("v2") == []


def test_attempt_is_assigned_once_per_algorithm(records: Records) -> None:
    with records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.add(a_run(), [])
        tx.failures.save(a_cluster("c1"))
        tx.failures.save(a_cluster("c2"))
        tx.failures.assign(an_assignment(1, "c2"))
        tx.failures.assign(an_assignment(0, "c1"))
        tx.failures.assign(an_assignment(0, "c2"))
        tx.failures.assign(an_assignment(0, "c2", algorithm="v2"))
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.failures.of_run(RUN) == [
            (an_assignment(1, "c2"), a_cluster("c2")),
            (an_assignment(0, "c1"), a_cluster("c1")),
            (an_assignment(0, "c2", algorithm="v2"), a_cluster("c2")),
        ]


def test_assessment_is_replaced(records: Records) -> None:
    first = Assessment(Readiness.INCONCLUSIVE, 0.5, ("no history",))
    second = Assessment(
        Readiness.NOT_READY, 0.97, ("3 failures",), ("no crash",), ("search",), {"n": 3.0}, "v1"
    )
    with records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.add(a_run(), [])
        assert tx.assessments.of_run(RUN) is None
        tx.assessments.save(RUN, first)
        tx.assessments.save(RUN, second)
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.assessments.of_run(RUN) == second
        tx.assessments.forget(RUN)
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.assessments.of_run(RUN) is None


def test_artifacts_of_a_name_are_replaced(records: Records) -> None:
    old, new = (ArtifactRef("junit.xml", Digest(each * 64), 3, "text/xml") for each in "ab")
    other = ArtifactRef("a.log", Digest("c" * 64), 1)
    with records.transaction(DEFAULT_SCOPE) as tx:
        tx.runs.add(a_run(), [])
        tx.link(RUN, [old])
        tx.link(RUN, [new, other])
        tx.link(RUN, [])
        assert tx.artifacts(RUN) == [other, new]
