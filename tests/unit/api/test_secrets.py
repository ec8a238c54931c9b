"""Secrets go in and never come out."""

from dataclasses import replace

import pytest

from harness.domain.principal import Role
from harness.domain.scope import DEFAULT_SCOPE
from tests.unit.api.world import ANNA, OTHER, World, add_key

SECRETS = "/v1/projects/default/secrets"
VALUE = "hunter2-secret-0123456789"

pytestmark = pytest.mark.anyio


@pytest.fixture
def operator(world: World) -> str:
    return add_key(world.services, replace(ANNA, name="olga", role=Role.OPERATOR))


async def test_an_answer_never_holds_a_value(world: World, operator: str) -> None:
    async with world.client(operator) as client:
        answers = [
            await client.put(f"{SECRETS}/TOKEN", json={"value": VALUE}),
            await client.get(SECRETS),
            await client.get(f"{SECRETS}/TOKEN"),
            await client.put(f"{SECRETS}/1", json={"value": VALUE}),
            await client.put(f"{SECRETS}/TOKEN", json={"value": [VALUE]}),
            await client.put(f"{SECRETS}/TOKEN", json={"worth": VALUE}),
            await client.put(f"{SECRETS}/TOKEN", json={"value": VALUE * 2000}),
            await client.put(f"{SECRETS}/TOKEN", content=f'{{"value": "{VALUE}'),
            await client.delete(f"{SECRETS}/TOKEN"),
        ]
    codes = [answer.status_code for answer in answers]
    assert codes == [204, 200, 405, 422, 422, 422, 422, 422, 204]
    assert [answer.text for answer in answers if VALUE in answer.text] == []
    assert answers[1].json()["secrets"][0]["name"] == "TOKEN"
    assert answers[1].headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("role", "lists"), [(Role.MEMBER, 200), (Role.VIEWER, 403)])
async def test_only_operators_change_secrets(world: World, role: Role, lists: int) -> None:
    world.services.secrets.put(DEFAULT_SCOPE, "TOKEN", VALUE, ANNA)
    key = add_key(world.services, replace(ANNA, role=role))
    async with world.client(key) as client:
        assert (await client.put(f"{SECRETS}/A", json={"value": VALUE})).status_code == 403
        assert (await client.delete(f"{SECRETS}/TOKEN")).status_code == 403
        assert (await client.get(SECRETS)).status_code == lists


async def test_another_tenant_sees_none(world: World) -> None:
    world.services.secrets.put(DEFAULT_SCOPE, "TOKEN", VALUE, ANNA)
    stranger = replace(ANNA, tenant=OTHER.tenant, role=Role.OPERATOR)
    async with world.client(add_key(world.services, stranger)) as client:
        assert (await client.get(SECRETS)).json() == {"secrets": []}
        assert (await client.delete(f"{SECRETS}/TOKEN")).status_code == 404


@pytest.mark.parametrize("value", ["abc", "    ", "a\0bcd"])
async def test_a_value_that_cannot_be_hidden_or_set_is_refused(
    world: World, operator: str, value: str
) -> None:
    async with world.client(operator) as client:
        answer = await client.put(f"{SECRETS}/TOKEN", json={"value": value})
    assert answer.status_code == 422


async def test_a_run_names_secrets_that_are_there(world: World) -> None:
    async with world.client() as client:
        body = world.body(secrets=["TOKEN"])
        missing = await client.post("/v1/projects/default/runs", json=body)
        world.services.secrets.put(DEFAULT_SCOPE, "TOKEN", VALUE, ANNA)
        accepted = await client.post("/v1/projects/default/runs", json=body)
    assert missing.status_code == 404
    assert "ath secrets set TOKEN" in missing.json()["detail"]
    assert accepted.status_code == 201
    assert accepted.json()["request"]["secrets"] == ["TOKEN"]
    assert VALUE not in accepted.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"argv": ["pytest", "--token", VALUE]}, "The command holds"),
        ({"variables": {"URL": f"https://u:{VALUE}@x"}}, "The variable URL holds"),
        (
            {"environment": {"name": "e", "variables": {"PW": VALUE}}},
            "The variable PW holds",
        ),
        ({"variables": {"TOKEN": "other"}}, "named as a secret and given as a variable"),
        ({"secrets": ["ATH_TOKEN"]}, "cannot name a secret"),
    ],
)
async def test_a_run_that_would_record_a_value_is_refused(
    world: World, fields: dict[str, object], words: str
) -> None:
    world.services.secrets.put(DEFAULT_SCOPE, "TOKEN", VALUE, ANNA)
    body = world.body(**({"secrets": ["TOKEN"]} | fields))
    async with world.client() as client:
        answer = await client.post("/v1/projects/default/runs", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert VALUE not in answer.text
