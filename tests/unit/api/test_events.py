"""Events as pages and as streams."""

import json
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest

from api.services import ApiSettings
from harness.domain.assessment import Assessment, Readiness
from harness.domain.attempt import Verdict
from harness.domain.ids import RunId
from harness.domain.run import Run, RunState
from harness.events.facts import RunAssessed, RunFinished
from tests.unit.api.world import ANNA, World, make_world

pytestmark = pytest.mark.anyio
STREAM = {"Accept": "text/event-stream"}
QUICK = ApiSettings(poll_seconds=0.01, idle_seconds=0.02, heartbeat_seconds=0.03, max_followers=1)


def events_of(run: Run) -> str:
    return f"/v1/projects/default/runs/{run.id}/events"


def assess(world: World, run_id: RunId) -> None:
    with world.services.records.transaction(world.submit().scope) as tx:
        tx.assessments.save(run_id, Assessment(Readiness.READY, 0.01, ("All is well.",)))
        tx.runs.save(tx.runs.get(run_id), [RunAssessed("ready", 0.01, ["All is well."], "a1")])


def frames(text: str) -> list[dict[str, object]]:
    return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]


async def test_page_holds_events_in_order(world: World) -> None:
    run = world.finish(world.submit(), Verdict.PASSED)
    async with world.client() as client:
        first = (await client.get(events_of(run), params={"limit": 1})).json()
        rest = (await client.get(events_of(run), params={"after": first["next"]})).json()
    found = first["events"] + rest["events"]
    assert [event["seq"] for event in found] == [1, 2]
    assert found[1]["prevhash"] == found[0]["hash"]
    assert rest["next"] is None


async def test_stream_ends_after_run_finished(world: World) -> None:
    run = world.finish(world.submit(), Verdict.PASSED)
    async with world.client(**STREAM) as client:
        answer = await client.get(events_of(run), params={"follow": "until_finished"})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert [frame["seq"] for frame in frames(answer.text)] == [1, 2]
    assert "id: 2\nevent: ath.run.finished.v1\n" in answer.text


async def test_stream_of_a_reopened_run_goes_on_after_the_earlier_end(world: World) -> None:
    run = world.finish(world.submit(), Verdict.PASSED, Verdict.FAILED)
    reopened = world.services.runs.rerun(run.scope, run.id, ANNA)
    with world.services.records.transaction(run.scope) as tx:
        tx.runs.save(reopened.moved(RunState.FAILED), [RunFinished("failed", "", "", {}, 1.0, 1)])
    async with world.client(**STREAM) as client:
        answer = await client.get(events_of(run), params={"follow": "until_finished"})
    assert answer.headers["Ath-Round"] == "1"
    assert [frame["type"] for frame in frames(answer.text)][-3:] == [
        "ath.run.reopened.v1",
        "ath.attempts.queued.v1",
        "ath.run.finished.v1",
    ]


async def test_stream_resumes_after_last_seen_event(world: World) -> None:
    run = world.finish(world.submit(), Verdict.PASSED)
    assess(world, run.id)
    async with world.client(**STREAM) as client:
        answer = await client.get(events_of(run), headers={"Last-Event-ID": "2"})
        nothing = await client.get(events_of(run), headers={"Last-Event-ID": "3"})
        wrong = await client.get(events_of(run), headers={"Last-Event-ID": "-1"})
    assert [frame["type"] for frame in frames(answer.text)] == ["ath.run.assessed.v1"]
    assert (nothing.status_code, wrong.status_code) == (204, 422)


async def test_stream_delivers_what_happens_meanwhile(tmp_path: Path) -> None:
    world = make_world(tmp_path, QUICK)
    run = world.submit()
    async with world.client(**STREAM) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, lambda: finish_when_followed(world, run))
        with anyio.fail_after(10):
            answer = await client.get(events_of(run))
    assert [frame["seq"] for frame in frames(answer.text)] == [1, 2, 3]
    assert world.app.state.followers.count == 0


def finish_when_followed(world: World, run: Run) -> None:
    while world.app.state.followers.count == 0:
        pass
    world.finish(run, Verdict.FAILED)
    assess(world, run.id)


async def test_silent_stream_shows_life_and_comes_to_rest(tmp_path: Path) -> None:
    world = make_world(tmp_path, replace(QUICK, stream_seconds=0.2))
    async with world.client(**STREAM) as client:
        answer = await client.get(events_of(world.submit()))
    assert ": still here" in answer.text


async def test_unassessed_run_is_not_followed_forever(tmp_path: Path) -> None:
    world = make_world(tmp_path, replace(QUICK, assess_seconds=0.1))
    run = world.finish(world.submit(), Verdict.PASSED)
    async with world.client(**STREAM) as client:
        with anyio.fail_after(10):
            answer = await client.get(events_of(run))
    assert len(frames(answer.text)) == 2


async def test_followers_are_bounded_and_leave(tmp_path: Path) -> None:
    world = make_world(tmp_path, QUICK)
    run = world.submit()
    with world.serving() as url:
        async with httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {world.member}", **STREAM}
        ) as client:
            async with client.stream("GET", events_of(run)) as first:
                refused = await client.get(events_of(run))
                assert (first.status_code, refused.status_code) == (200, 429)
                assert refused.headers["Retry-After"] == "1"
            with anyio.fail_after(10):
                while (again := await status_of_stream(client, run)) == 429:
                    pass
            assert again == 200


async def status_of_stream(client: httpx.AsyncClient, run: Run) -> int:
    async with client.stream("GET", events_of(run)) as answer:
        return answer.status_code
