"""Tests, failures, verdicts and reports of runs."""

import pytest

from harness.domain.assessment import Assessment, Readiness
from harness.domain.attempt import Verdict
from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.ids import ClusterId
from harness.domain.run import Run
from tests.unit.api.world import World

pytestmark = pytest.mark.anyio
MIXED = (Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED, Verdict.FAILED, Verdict.TIMED_OUT)


def path_of(run: Run) -> str:
    return f"/v1/projects/default/runs/{run.id}"


async def test_pages_of_tests_hold_each_once(world: World) -> None:
    run = world.finish(world.submit(), *MIXED)
    found: list[tuple[int, str]] = []
    after: int | None = -1
    async with world.client() as client:
        while after is not None:
            query = {"limit": 2, "after": after}
            page = (await client.get(f"{path_of(run)}/tests", params=query)).json()
            found += [(test["index"], test["verdict"]) for test in page["tests"]]
            after = page["next"]
    assert found == list(enumerate(MIXED))
    assert page["counts"]["failed"] == 2


async def test_tests_are_filtered_by_verdicts(world: World) -> None:
    run = world.finish(world.submit(), *MIXED)
    async with world.client() as client:
        query = {"verdict": ["failed", "timed_out"]}
        page = (await client.get(f"{path_of(run)}/tests", params=query)).json()
        wrong = await client.get(f"{path_of(run)}/tests", params={"verdict": "green"})
    assert [test["index"] for test in page["tests"]] == [1, 3, 4]
    assert page["tests"][0]["attempts"][0]["result"]["phases"][0]["failure"]["frames"] == [
        {"name": "test_x", "file": "test_shop.py", "line": 12}
    ]
    assert wrong.json()["errors"][0]["field"] == "query.verdict.0"


async def test_steps_come_with_the_attempt(world: World) -> None:
    run = world.finish(world.submit(), Verdict.FAILED)
    async with world.client() as client:
        page = (await client.get(f"{path_of(run)}/tests")).json()
    steps = page["tests"][0]["attempts"][0]["result"]["steps"]
    assert [(step["kind"], step["outcome"]) for step in steps] == [
        ("api", "passed"),
        ("step", "failed"),
    ]
    assert steps[1]["steps"][0]["name"] == "by card"


async def test_junit_comes_as_a_download(world: World) -> None:
    run = world.finish(world.submit(), *MIXED)
    async with world.client() as client:
        answer = await client.get(f"{path_of(run)}/junit.xml")
    assert answer.headers["Content-Type"] == "application/xml"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert b'tests="5"' in answer.content


async def test_failures_come_grouped(world: World) -> None:
    run = world.finish(world.submit(), Verdict.FAILED)
    with world.services.records.transaction(run.scope) as tx:
        attempt = tx.attempts.of_run(run.id)[0]
        now, cluster_id = tx.now(), ClusterId("c1")
        tx.failures.save(FailureCluster(cluster_id, "500", {"a": 1.0}, ("k",), 1, now, now, "a1"))
        tx.failures.assign(
            Assignment(run.id, attempt.id, attempt.test_id, cluster_id, 1.0, True, "new", "a1")
        )
    async with world.client() as client:
        page = (await client.get(f"{path_of(run)}/failures")).json()
    assert [cluster["title"] for cluster in page["clusters"]] == ["500"]
    assert page["assignments"][0]["attempt_id"] == attempt.id


async def test_assessment_is_missing_until_made(world: World) -> None:
    run = world.submit()
    async with world.client() as client:
        before = await client.get(f"{path_of(run)}/assessment")
        with world.services.records.transaction(run.scope) as tx:
            tx.assessments.save(run.id, Assessment(Readiness.NOT_READY, 0.9, ("It broke.",)))
        after = await client.get(f"{path_of(run)}/assessment")
    assert (before.status_code, after.status_code) == (404, 200)
    assert after.json()["reasons"] == ["It broke."]
