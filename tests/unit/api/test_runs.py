"""Submitting, listing, looking at and cancelling runs."""

import pytest

from tests.unit.api.world import World

RUNS = "/v1/projects/default/runs"
pytestmark = pytest.mark.anyio


async def test_submitted_run_is_found_at_its_location(world: World) -> None:
    async with world.client() as client:
        answer = await client.post(RUNS, json=world.body(labels={"team": "shop"}))
        again = await client.get(answer.headers["Location"])
    assert answer.status_code == 201
    assert answer.json() == again.json()
    assert again.json()["state"] == "submitted"
    assert again.json()["request"]["labels"] == {"team": "shop"}


async def test_same_idempotency_key_gives_same_run(world: World) -> None:
    async with world.client() as client:
        ids = [
            (await client.post(RUNS, json=world.body(), headers={"Idempotency-Key": "k"})).json()[
                "id"
            ]
            for _ in range(2)
        ]
        other = await client.post(
            RUNS, json=world.body(argv=["pytest", "-x"]), headers={"Idempotency-Key": "k"}
        )
    assert ids[0] == ids[1]
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


async def test_pages_show_every_run_once(world: World) -> None:
    expected = [world.submit().id for _ in range(5)][::-1]
    found: list[str] = []
    before: dict[str, str] = {}
    async with world.client() as client:
        while True:
            page = (await client.get(RUNS, params={"limit": 2, **before})).json()
            found += [run["id"] for run in page["runs"]]
            if page["next"] is None:
                break
            before = {"before": page["next"]}
    assert sorted(found, reverse=True) == sorted(expected, reverse=True)
    assert found == sorted(found, reverse=True)


async def test_unchanged_run_is_not_sent_again(world: World) -> None:
    run = world.submit()
    async with world.client() as client:
        first = await client.get(f"{RUNS}/{run.id}")
        tag = {"If-None-Match": first.headers["ETag"]}
        same = await client.get(f"{RUNS}/{run.id}", headers=tag)
        await client.post(f"{RUNS}/{run.id}/cancel", json={"why": "no need"})
        changed = await client.get(f"{RUNS}/{run.id}", headers=tag)
    assert (same.status_code, same.content) == (304, b"")
    assert (changed.status_code, changed.json()["state"]) == (200, "cancelled")


async def test_cancel_without_body_stops_run(world: World) -> None:
    run = world.submit()
    async with world.client() as client:
        answer = await client.post(f"{RUNS}/{run.id}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"argv": []}, "body.argv"),
        ({"argv": "pytest"}, "body.argv"),
        ({"argv": ["a\0b"]}, "body.argv.0"),
        ({"colour": "red"}, "body.colour"),
        ({"suite": {"digest": "x", "folder": "s"}}, "body.suite.digest"),
        ({"suite": {"digest": "0" * 64, "folder": "../etc"}}, "body.suite.folder"),
        ({"variables": {"A=B": "c"}}, "body.variables"),
        ({"retries": 10**400}, "body.retries"),
        ({"environment": {"name": ""}}, "body.environment.name"),
    ],
)
async def test_wrong_field_is_named(world: World, change: dict[str, object], field: str) -> None:
    async with world.client() as client:
        answer = await client.post(RUNS, json=world.body(**change))
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"].startswith(field)


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[" * 5000, b"null", b'{"argv":NaN}', b'{"argv":["\\ud800"]}']
)
async def test_bad_json_is_a_clear_problem(world: World, body: bytes) -> None:
    async with world.client(**{"Content-Type": "application/json"}) as client:
        answer = await client.post(RUNS, content=body)
    assert answer.status_code in {400, 422}
    assert answer.json()["code"] == "invalid_input"


async def test_unknown_suite_says_how_to_upload(world: World) -> None:
    body = world.body(suite={"digest": "0" * 64, "folder": "s"})
    async with world.client() as client:
        answer = await client.post(RUNS, json=body)
    assert answer.status_code == 404
    assert "Upload it first" in answer.json()["detail"]
