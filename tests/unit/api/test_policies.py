"""Policies over HTTP."""

import json
from dataclasses import replace

import pytest

from harness.domain.principal import Role
from harness.domain.scope import DEFAULT_SCOPE
from tests.unit.api.world import ANNA, OTHER, World, add_key

TENANT, COOK = "/v1/policies/tenant", "/v1/policies/agents/cook"
OLGA = replace(ANNA, name="olga", role=Role.OPERATOR)
BOUND = "network: {allow: [{host: '*'}]}\nmodels: ['*']\n"
OWN = "# cook's\nnetwork: {allow: [{host: a.example, methods: [GET]}]}\nmodels: [m/a]\n"

pytestmark = pytest.mark.anyio


@pytest.fixture
def operator(world: World) -> str:
    return add_key(world.services, OLGA)


async def test_a_document_is_put_read_listed_and_removed(world: World, operator: str) -> None:
    async with world.client(operator) as client:
        put = await client.put(COOK, json={"text": OWN})
        got = await client.get(COOK)
        assert put.json() == got.json()
        assert (put.status_code, got.headers["etag"]) == (200, '"1"')
        again = await client.get(COOK, headers={"If-None-Match": '"1"'})
        assert again.status_code == 304
        await client.put(COOK, json={"text": "{}"})
        listed = (await client.get("/v1/policies")).json()["policies"]
        assert (await client.delete(COOK)).status_code == 204
        assert (await client.get(COOK)).status_code == 404
        versions = (await client.get(f"{COOK}/versions")).json()["versions"]
        first = (await client.get(COOK, params={"number": 1})).json()
    body = got.json()
    assert (body["agent"], body["number"], body["by"], body["text"]) == ("cook", 1, "olga", OWN)
    assert body["policy"]["network"]["allow"][0]["methods"] == ["GET"]
    assert [(each["agent"], each["number"]) for each in listed] == [("cook", 2)]
    assert [(each["number"], each["digest"] is None) for each in versions] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    assert first == body


async def test_every_mistake_has_its_line(world: World, operator: str) -> None:
    text = "network:\n  alow: []\n  allow:\n    - host: a.*\nmodels: [a b]\n"
    async with world.client(operator) as client:
        answer = await client.put(COOK, json={"text": text})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_input")
    assert [(each["line"], each["field"]) for each in problem["errors"]] == [
        (2, "network.alow"),
        (4, "network.allow[0].host"),
        (5, "models[0]"),
    ]
    assert "2:3: network.alow: unknown key; did you mean `allow`?" in problem["detail"]


@pytest.mark.parametrize(
    "text", ["", "[]", "a: &x [*x]", "&a [*a, *a]", "\ud800", "x" * 300_000, "- " * 10_000]
)
async def test_what_is_no_policy_is_refused(world: World, operator: str, text: str) -> None:
    async with world.client(operator) as client:
        answer = await client.put(COOK, content=json.dumps({"text": text}))
    assert answer.status_code == 422


async def test_only_the_version_that_was_read_is_replaced(world: World, operator: str) -> None:
    async with world.client(operator) as client:
        new = await client.put(COOK, json={"text": OWN}, headers={"If-Match": '"0"'})
        late = await client.put(COOK, json={"text": "{}"}, headers={"If-Match": '"0"'})
        gone = await client.delete(COOK, headers={"If-Match": '"2"'})
        odd = await client.delete(COOK, headers={"If-Match": "*"})
        last = await client.delete(COOK, headers={"If-Match": '"1"'})
    assert [each.status_code for each in (new, late, gone, odd, last)] == [200, 409, 409, 422, 204]
    assert "Version 1 of this policy holds, not 0" in late.json()["detail"]


async def test_what_holds_is_told_with_answers(world: World, operator: str) -> None:
    async with world.client(operator) as client:
        await client.put(COOK, json={"text": OWN})
        alone = (await client.get(f"{COOK}/effective")).json()
        await client.put(TENANT, json={"text": BOUND})
        asked = {"to": "a.example", "method": "PUT", "model": "m/a", "tool": "t"}
        both = (await client.get(f"{COOK}/effective", params=asked)).json()
        odd = await client.get(f"{COOK}/effective", params={"to": "0x7f.1"})
    assert (alone["tenant"], alone["own"]["number"], alone["policy"]["models"]) == (None, 1, [])
    assert (both["tenant"]["number"], both["policy"]["models"]) == (1, ["m/a"])
    assert both["policy"]["network"]["allow"][0]["ports"] == [80, 443]
    assert [(a["asked"], a["is_allowed"]) for a in both["answers"]] == [
        ("PUT a.example:443", False),
        ("The model m/a", True),
        ("The tool t", False),
    ]
    assert "allows only GET" in both["answers"][0]["reason"]
    assert odd.status_code == 422


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
async def test_only_operators_change_policies(world: World, role: Role) -> None:
    world.services.policies.put(OLGA, "cook", OWN)
    async with world.client(add_key(world.services, replace(ANNA, role=role))) as client:
        for path in (COOK, TENANT):
            assert (await client.put(path, json={"text": "{}"})).status_code == 403
            assert (await client.delete(path)).status_code == 403
        assert (await client.get(COOK)).status_code == 200


async def test_an_operator_of_one_project_changes_nothing(world: World) -> None:
    narrow = replace(OLGA, projects=(DEFAULT_SCOPE.project,))
    async with world.client(add_key(world.services, narrow)) as client:
        assert (await client.put(COOK, json={"text": "{}"})).status_code == 403
        assert (await client.put("/v1/models/m", json={"base_url": "http://h"})).status_code == 403


async def test_another_tenant_sees_none(world: World) -> None:
    world.services.policies.put(OLGA, "cook", OWN)
    world.services.policies.put(OLGA, "", BOUND)
    stranger = add_key(world.services, replace(OLGA, tenant=OTHER.tenant))
    async with world.client(stranger) as client:
        assert (await client.get("/v1/policies")).json() == {"policies": []}
        codes = [
            (await client.get(path)).status_code
            for path in (COOK, TENANT, f"{COOK}/versions", f"{TENANT}/versions")
        ]
        held = (await client.get(f"{COOK}/effective")).json()
    assert codes == [404] * 4
    assert (held["tenant"], held["own"], held["policy"]["models"]) == (None, None, [])


async def test_sources_of_models_are_kept_without_keys(world: World, operator: str) -> None:
    body = {
        "base_url": "https://H.example/v1/",
        "key_secret": "KEY",
        "prices": {"m": {"prompt": 1, "completion": 2}},
    }
    async with world.client(operator) as client:
        put = await client.put("/v1/models/one", json=body)
        listed = (await client.get("/v1/models")).json()["servers"]
        codes = [
            (await client.put("/v1/models/scripted", json=body)).status_code,
            (await client.put("/v1/models/one", json=body | {"base_url": "file:///x"})).status_code,
            (await client.put("/v1/models/one", json=body | {"key": "sk-1"})).status_code,
            (await client.delete("/v1/models/one")).status_code,
            (await client.delete("/v1/models/one")).status_code,
        ]
    assert codes == [422, 422, 422, 204, 404]
    assert listed == [put.json()]
    kept = put.json()
    assert (kept["name"], kept["base_url"], kept["by"]) == ("one", "https://h.example/v1", "olga")
    assert (kept["key_secret"], kept["prices"]) == ("KEY", body["prices"])


async def test_members_see_sources_and_change_none(world: World) -> None:
    async with world.client() as client:
        assert (await client.get("/v1/models")).json() == {"servers": []}
        assert (await client.put("/v1/models/m", json={"base_url": "http://h"})).status_code == 403
        assert (await client.delete("/v1/models/m")).status_code == 403
