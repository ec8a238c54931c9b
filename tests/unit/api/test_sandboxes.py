"""Sandboxes over HTTP: whose they are, how they begin and end."""

from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest

from api.auth.sessions import COOKIE, Sessions
from harness.domain.account import Measure
from harness.domain.ids import ProjectId
from harness.domain.policy import Policy
from harness.domain.policy_version import TENANT
from harness.domain.principal import Role
from harness.domain.quota import QuotaName
from harness.domain.sandbox import SandboxRef
from tests.unit.api.world import ANNA, SECRET, World, add_key

pytestmark = pytest.mark.anyio
BOXES = "/v1/sandboxes"
OPERATOR = replace(ANNA, role=Role.OPERATOR)


async def made(client: httpx.AsyncClient, **fields: object) -> str:
    answer = await client.post(BOXES, json=fields)
    assert answer.status_code == 201, answer.text
    return f"{BOXES}/{answer.json()['id']}"


async def test_sandbox_is_made_listed_and_ended(world: World) -> None:
    async with world.client() as client:
        box = await made(client, limits={"memory_bytes": 64 << 20}, lifetime_seconds=60)
        (listed,) = (await client.get(BOXES)).json()["sandboxes"]
        assert listed == (await client.get(box)).json()
        assert (listed["tier"], listed["limits"]["memory_bytes"]) == ("namespace", 64 << 20)
        assert (listed["is_paused"], listed["reason"]) == (False, None)
        (event,) = (await client.get(f"{box}/events")).json()["events"]
        assert event == {"seq": 1, "kind": "sandbox.started", "facts": {"tier": "namespace"}}
        assert (await client.delete(box)).status_code == 204
        assert (await client.get(BOXES)).json() == {"sandboxes": []}
        assert (await client.get(box)).json()["reason"] == "killed"
        assert (await client.delete(box)).status_code == 204
        gone = await client.post(f"{box}/exec", json={"argv": ["echo"]})
    assert (gone.status_code, "has ended" in gone.json()["detail"]) == (404, True)


async def test_another_tenant_finds_nothing_of_it(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        shot = (await client.post(f"{box}/snapshots")).json()["snapshot"]
    command = {"argv": ["echo"]}
    async with world.client(world.stranger) as client:
        answers = [
            await client.get(box),
            await client.get(f"{box}/events"),
            await client.post(f"{box}/exec", json=command),
            await client.post(f"{box}/exec", json=command, headers={"Accept": "text/event-stream"}),
            await client.post(f"{box}/commands", json=command),
            await client.post(f"{box}/commands/1/wait", json={}),
            await client.post(f"{box}/commands/1/signal", json={}),
            await client.delete(f"{box}/commands/1"),
            await client.get(f"{box}/files?path=a"),
            await client.put(f"{box}/files?path=a", content=b"x"),
            await client.delete(f"{box}/files?path=a"),
            await client.get(f"{box}/folders"),
            await client.put(f"{box}/folders?path=a"),
            await client.post(f"{box}/snapshots"),
            await client.post(f"{box}/pause"),
            await client.post(f"{box}/resume"),
            await client.put(f"{box}/lifetime", json={"seconds": 1}),
            await client.get(f"{box}/ports/80/"),
            await client.post(BOXES, json={"snapshot": shot}),
            await client.delete(box),
        ]
        assert (await client.get(BOXES)).json() == {"sandboxes": []}
        assert (await client.get(f"{BOXES}/snapshots")).json() == {"snapshots": []}
        assert (await client.delete(f"{BOXES}/snapshots/{shot}")).status_code == 204
    assert {answer.status_code for answer in answers} == {404}
    async with world.client() as client:
        assert (await client.get(box)).json()["reason"] is None
        await made(client, snapshot=shot)


async def test_viewers_look_and_do_nothing(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
    async with world.client(world.viewer) as client:
        seen = [await client.get(path) for path in (BOXES, box, f"{box}/events")]
        refused = [
            await client.post(BOXES, json={}),
            await client.delete(box),
            await client.post(f"{box}/exec", json={"argv": ["echo"]}),
            await client.get(f"{box}/files?path=a"),
            await client.get(f"{box}/ports/80/"),
        ]
    assert {answer.status_code for answer in seen} == {200}
    assert {answer.status_code for answer in refused} == {403}


async def test_a_browsers_session_reaches_no_server_inside(world: World) -> None:
    sessions = Sessions(SECRET, world.services.clock, world.services.entropy)
    cookie = sessions.session(replace(ANNA, role=Role.OPERATOR), 60)
    async with world.client() as client:
        box = await made(client)
        del client.headers["Authorization"]
        answer = await client.get(f"{box}/ports/80/", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert answer.status_code == 403


async def test_a_key_of_some_projects_has_no_sandboxes(world: World) -> None:
    key = add_key(world.services, replace(ANNA, projects=(ProjectId("default"),)))
    async with world.client(key) as client:
        answers = [await client.get(BOXES), await client.post(BOXES, json={})]
    assert [answer.status_code for answer in answers] == [403, 403]


REFUSED: Sequence[tuple[dict[str, object], str]] = (
    ({"limits": {"memory_bytes": 1 << 50}}, "limits.memory_bytes"),
    ({"limits": {"memory_bytes": -1}}, "limits.memory_bytes"),
    ({"limits": {"cpus": 1000}}, "limits.cpus"),
    ({"limits": {"cpus": 0}}, "limits.cpus"),
    ({"limits": {"processes": 10**30}}, "processes"),
    ({"limits": {"disk_bytes": 0}}, "limits.disk_bytes"),
    ({"limits": {"colour": 1}}, "colour"),
    ({"lifetime_seconds": 1e9}, "lifetime_seconds"),
    ({"lifetime_seconds": -1}, "lifetime_seconds"),
    ({"environ": {"A=B": "x"}}, "variable"),
    ({"environ": {"A": "x\0y"}}, "variable"),
    ({"environ": {"A": "x" * 20_000}}, "variables"),
    ({"binds": [{"source": "/etc", "target": "/x"}]}, "binds"),
    ({"tenant": "other"}, "tenant"),
    ({"tier": "strongest"}, "tier"),
    ({"demands": {"magic": "enforced"}}, "demands"),
)


async def test_what_cannot_be_had_is_refused_by_name(world: World) -> None:
    async with world.client() as client:
        for fields, word in REFUSED:
            answer = await client.post(BOXES, json=fields)
            assert answer.status_code == 422, fields
            assert word in answer.json()["detail"]
    assert world.node.rooms == {}


async def test_numbers_that_are_none_are_refused(world: World) -> None:
    async with world.client() as client:
        for number in ("NaN", "1e999", "-Infinity"):
            body = f'{{"lifetime_seconds": {number}}}'
            answer = await client.post(
                BOXES, content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 422, number


async def test_what_a_tier_lacks_is_told_with_its_remedy(world: World) -> None:
    async with world.client() as client:
        answer = await client.post(BOXES, json={"demands": {"deadline": "enforced"}})
        tier = await client.post(BOXES, json={"tier": "vm"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "tier_unavailable")
    assert problem["missing"] == ["deadline (watchdog, not enforced)"]
    assert (problem["reason"], problem["fix"]) == (
        "No cgroup can be made here.",
        "Run as root.",
    )
    assert (problem["retryable"], "Retry-After" in answer.headers) == (False, False)
    assert tier.json()["missing"] == ["the tier vm itself"]


async def test_a_tenants_quota_holds(world: World) -> None:
    operator = replace(ANNA, name="olga", role=Role.OPERATOR)
    world.services.quotas.set(operator, QuotaName.SANDBOXES, 1)
    async with world.client() as client:
        await made(client)
        refused = await client.post(BOXES, json={})
    async with world.client(world.stranger) as client:
        await made(client)
        await made(client)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")


async def test_snapshots_begin_others_until_they_are_dropped(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        await client.put(f"{box}/files?path=a", content=b"kept")
        shot = (await client.post(f"{box}/snapshots")).json()["snapshot"]
        other = await made(client, snapshot=shot)
        assert (await client.get(f"{other}/files?path=a")).content == b"kept"
        assert (await client.delete(f"{BOXES}/snapshots/{shot}")).status_code == 204
        assert (await client.post(BOXES, json={"snapshot": shot})).status_code == 404


async def test_sandbox_is_paused_resumed_and_given_more_time(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        await client.post(f"{box}/pause")
        assert (await client.get(box)).json()["is_paused"] is True
        await client.post(f"{box}/resume")
        assert (await client.get(box)).json()["is_paused"] is False
        before = (await client.get(box)).json()["ends_at"]
        longer = await client.put(f"{box}/lifetime", json={"seconds": 7200})
        too_long = await client.put(f"{box}/lifetime", json={"seconds": 1e8})
        assert (longer.status_code, too_long.status_code) == (204, 422)
        assert (await client.get(box)).json()["ends_at"] > before


async def test_ports_of_the_node_are_for_operators(world: World) -> None:
    operator = add_key(world.services, replace(ANNA, name="olga", role=Role.OPERATOR))
    async with world.client() as client:
        box = await made(client)
        refused = await client.post(f"{box}/exposures", json={"port": 80})
    async with world.client(operator) as client:
        given = await client.post(f"{box}/exposures", json={"port": 80})
        none = await client.post(f"{box}/exposures", json={"port": 0})
    assert (refused.status_code, none.status_code) == (403, 422)
    assert given.json() == {"host": "127.0.0.1", "port": 40080}


async def test_what_is_no_id_is_not_looked_for(world: World) -> None:
    async with world.client() as client:
        for id in ("..", "A", "x" * 41, "a%2fb", "a.b", "%00"):
            answer = await client.get(f"{BOXES}/{id}")
            assert answer.status_code in {404, 405, 422}, id


async def test_a_way_out_is_what_every_document_allows(world: World) -> None:
    policies = world.services.policies
    policies.put(OPERATOR, TENANT, "{models: ['a/*', 'b/*'], tools: ['*']}")
    policies.put(OPERATOR, "booker", "{models: ['a/*'], budget: {turns: 5}}")
    async with world.client() as client:
        box = await made(client, door={"agent": "booker", "policy": "{models: ['*']}"})
        spec = world.node.rooms[SandboxRef(ANNA.tenant, box.rpartition("/")[2])].door
        assert spec is not None
        assert spec.policy.models.patterns == {"a/*"}
        assert spec.policy.budget.limits == {Measure.TURNS: 5}
        closed = await made(client, door={"agent": "unknown"})
        spec = world.node.rooms[SandboxRef(ANNA.tenant, closed.rpartition("/")[2])].door
        assert spec is not None
        assert spec.policy == Policy()


async def test_a_way_out_that_is_wrong_leaves_no_sandbox(world: World) -> None:
    world.services.policies.put(OPERATOR, TENANT, "{network: {mode: host}}")
    async with world.client() as client:
        wrong = await client.post(BOXES, json={"door": {"policy": "models: [a]\nmodells: []"}})
        assert (wrong.status_code, wrong.json()["errors"][0]["line"]) == (422, 2)
        refused = await client.post(BOXES, json={"door": {"policy": "network: {mode: host}"}})
        assert refused.status_code == 403, refused.text
        assert (await client.get(BOXES)).json() == {"sandboxes": []}


async def test_what_passed_is_read_in_pieces(world: World) -> None:
    async with world.client() as client:
        box = await made(client, door={"policy": "{}"})
        room = world.node.rooms[SandboxRef(ANNA.tenant, box.rpartition("/")[2])]
        room.journal = b'{"n":1}\n{"n":2}\n{"n"'
        told = (await client.get(f"{box}/journal")).json()
        assert told == {"entries": [{"n": 1}, {"n": 2}], "next": 16, "spent": {"turns": 2}}
        room.journal += b":3}\n"
        told = (await client.get(f"{box}/journal?after=16")).json()
        assert (told["entries"], told["next"]) == ([{"n": 3}], 24)
    async with world.client(world.stranger) as client:
        assert (await client.get(f"{box}/journal")).status_code == 404
