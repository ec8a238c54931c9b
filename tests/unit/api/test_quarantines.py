"""Quarantines over HTTP."""

from tests.unit.api.world import World

PATH = "/v1/projects/default/quarantines"
BODY = {"pattern": "t.py::test[a b]", "reason": "SHOP-7", "until": "2999-01-01T00:00:00+02:00"}


async def test_quarantine_is_put_listed_and_lifted(world: World) -> None:
    async with world.client() as client:
        put = await client.put(PATH, json=BODY)
        assert put.json()["until"] == "2998-12-31T22:00:00Z"
        assert (await client.get(PATH)).json()["quarantines"] == [put.json()]
        lifted = await client.delete(PATH, params={"pattern": BODY["pattern"]})
        assert lifted.status_code == 204
        assert (await client.get(PATH)).json()["quarantines"] == []
        again = await client.delete(PATH, params={"pattern": BODY["pattern"]})
        assert again.status_code == 404


async def test_viewers_look_and_do_not_put(world: World) -> None:
    async with world.client(world.viewer) as client:
        assert (await client.get(PATH)).status_code == 200
        assert (await client.put(PATH, json=BODY)).status_code == 403
        assert (await client.delete(PATH, params={"pattern": "t"})).status_code == 403


async def test_time_without_a_zone_is_refused(world: World) -> None:
    async with world.client() as client:
        put = await client.put(PATH, json={**BODY, "until": "2999-01-01T00:00:00"})
    assert put.status_code == 422
