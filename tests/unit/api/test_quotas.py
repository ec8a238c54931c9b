"""Quotas over HTTP."""

from dataclasses import replace

from harness.domain.principal import Role
from tests.unit.api.world import ANNA, World, add_key


async def test_operator_limits_the_tenant_and_submits_are_refused(world: World) -> None:
    operator = add_key(world.services, replace(ANNA, name="olga", role=Role.OPERATOR))
    async with world.client(operator) as client:
        put = await client.put("/v1/quotas/active_runs", json={"capacity": 1})
        assert put.json() == {"name": "active_runs", "capacity": 1, "used": 0}
        answers = [
            await client.post("/v1/projects/default/runs", json=world.body()) for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [201, 429]
        problem = answers[1].json()
        assert (problem["code"], problem["retryable"]) == ("quota_exceeded", True)
        listed = (await client.get("/v1/quotas")).json()["quotas"]
    assert listed == [
        {"name": "active_runs", "capacity": 1, "used": 1},
        {"name": "workers", "capacity": None, "used": None},
        {"name": "browsers", "capacity": None, "used": None},
        {"name": "browsers_chromium", "capacity": None, "used": None},
        {"name": "sandboxes", "capacity": None, "used": None},
    ]


async def test_members_may_look_and_not_change(world: World) -> None:
    async with world.client() as client:
        assert (await client.get("/v1/quotas")).status_code == 200
        put = await client.put("/v1/quotas/active_runs", json={"capacity": 1})
    assert put.status_code == 403


async def test_waiting_run_tells_how_many_are_ahead(world: World) -> None:
    world.submit()
    run = world.submit()
    async with world.client() as client:
        found = await client.get(f"/v1/projects/default/runs/{run.id}")
        assert found.json()["ahead"] == 1
        again = await client.get(
            f"/v1/projects/default/runs/{run.id}", headers={"If-None-Match": found.headers["etag"]}
        )
    assert again.status_code == 304
