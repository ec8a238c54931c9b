"""CTRF over HTTP."""

import pytest

from harness.domain.attempt import Verdict
from tests.unit.api.world import World
from tests.unit.domain import a_ctrf

pytestmark = pytest.mark.anyio


async def test_ctrf_comes_as_a_download(world: World) -> None:
    run = world.finish(world.submit(), Verdict.PASSED, Verdict.FAILED, Verdict.TIMED_OUT)
    async with world.client() as client:
        answer = await client.get(f"/v1/projects/default/runs/{run.id}/ctrf.json")
        missing = await client.get("/v1/projects/default/runs/none/ctrf.json")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="ctrf-{run.id}.json"'
    assert a_ctrf.document(answer.json())
    assert answer.json()["results"]["summary"]["failed"] == 2
    assert missing.status_code == 404
