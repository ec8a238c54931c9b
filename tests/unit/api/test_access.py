"""Who may do what, and what everybody else is told."""

import base64
from dataclasses import replace

import pytest

from api.auth.keys import KeyRing, hash_key, new_key
from api.auth.sessions import COOKIE, Sessions
from harness.domain.ids import ProjectId
from harness.domain.principal import Principal, Role
from harness.errors import Unauthenticated
from harness.ports.clock import SystemClock
from tests.unit.api.world import ANNA, OTHER, SECRET, World, add_key

RUNS = "/v1/projects/default/runs"


def sessions_of(world: World) -> Sessions:
    return Sessions(SECRET, world.services.clock, world.services.entropy)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer nonsense",
        "Basic YTpi",
        f"Bearer ath_{'x' * 43}",
        "Bearer " + "a" * 9000,
    ],
)
async def test_unknown_credential_is_refused(world: World, header: str) -> None:
    async with world.client() as client:
        answer = await client.get(RUNS, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.anyio
async def test_viewer_reads_and_changes_nothing(world: World) -> None:
    run = world.submit()
    async with world.client(world.viewer) as client:
        read = await client.get(f"{RUNS}/{run.id}")
        refused = [
            await client.post(RUNS, json=world.body()),
            await client.post(f"{RUNS}/{run.id}/cancel"),
            await client.post(f"{RUNS}/{run.id}/rerun"),
            await client.put(f"/v1/projects/default/suites/{'0' * 64}", content=b""),
        ]
    assert read.status_code == 200
    assert [answer.status_code for answer in refused] == [403, 403, 403, 403]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "what", ["", "/events", "/tests", "/failures", "/assessment", "/junit.xml", "/artifacts"]
)
async def test_other_tenant_finds_nothing(world: World, what: str) -> None:
    run = world.submit()
    async with world.client(world.stranger) as client:
        answer = await client.get(f"{RUNS}/{run.id}{what}")
        stream = await client.get(
            f"{RUNS}/{run.id}/events", headers={"Accept": "text/event-stream"}
        )
        cancelled = await client.post(f"{RUNS}/{run.id}/cancel")
        rerun = await client.post(f"{RUNS}/{run.id}/rerun")
    assert [a.status_code for a in (answer, stream, cancelled, rerun)] == [404, 404, 404, 404]


@pytest.mark.anyio
async def test_other_tenants_bytes_are_not_found(world: World) -> None:
    digest = world.store(b"secret", OTHER)
    async with world.client() as client:
        answer = await client.get(f"/v1/projects/default/artifacts/{digest}")
    assert answer.status_code == 404


@pytest.mark.anyio
async def test_key_of_one_project_opens_no_other(world: World) -> None:
    key = add_key(world.services, replace(ANNA, projects=(ProjectId("shop"),)))
    async with world.client(key) as client:
        assert (await client.get(RUNS)).status_code == 403
        assert (await client.get("/v1/projects/shop/runs")).status_code == 200
        assert (await client.get("/v1/me")).json()["projects"] == ["shop"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Host": "localhost:8000"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:8000"}, 200),
    ],
)
async def test_foreign_hosts_and_origins_are_refused(
    world: World, header: dict[str, str], status: int
) -> None:
    async with world.client() as client:
        assert (await client.get(RUNS, headers=header)).status_code == status


def test_only_keyed_hash_is_stored(world: World) -> None:
    key = new_key(world.services.entropy)
    assert key not in hash_key(SECRET, key)
    assert hash_key(b"another secret", key) != hash_key(SECRET, key)


class StepClock(SystemClock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


class CountingRecords:
    """Knows one key and counts who asks."""

    def __init__(self, key: str) -> None:
        self.hash = hash_key(SECRET, key)
        self.asked = 0

    def principal(self, key_hash: str) -> Principal | None:
        self.asked += 1
        return ANNA if key_hash == self.hash else None


def test_key_ring_forgets_after_its_time(world: World) -> None:
    key = new_key(world.services.entropy)
    records, clock = CountingRecords(key), StepClock()
    ring = KeyRing(records, SECRET, clock, seconds=5.0, size=2)  # type: ignore[arg-type]  # one method is used
    assert (ring.remembered(key), ring.look_up(key), ring.remembered(key)) == (None, ANNA, ANNA)
    clock.seconds = 5.0
    assert ring.remembered(key) is None
    assert ring.look_up(new_key(world.services.entropy)) is None
    assert records.asked == 2


def test_session_may_only_look(world: World) -> None:
    sessions = sessions_of(world)
    ticket = sessions.open("session", sessions.session(ANNA, 60))
    assert ticket.principal == replace(ANNA, role=Role.VIEWER)


def test_forged_or_late_tokens_are_refused(world: World) -> None:
    sessions = sessions_of(world)
    good = sessions.login_token(ANNA)
    body, _, signature = good.partition(".")
    forged = base64.urlsafe_b64encode(b'{"role": "operator"}').decode()
    wrong = ["", ".", good[:-2], f"{forged}.{signature}", f"{body}.", "é.é", "a" * 5000]
    for token in [*wrong, sessions.login_token(ANNA, seconds=-1)]:
        with pytest.raises(Unauthenticated):
            sessions.open("login", token)
    with pytest.raises(Unauthenticated):
        sessions.open("session", good)


@pytest.mark.anyio
async def test_login_link_works_once(world: World) -> None:
    token = sessions_of(world).login_token(ANNA)
    async with world.client() as client:
        del client.headers["Authorization"]
        first = await client.get("/ui/login", params={"token": token})
        cookie = first.headers["Set-Cookie"]
        page = await client.get("/ui/default")
        client.cookies.clear()
        second = await client.get("/ui/login", params={"token": token})
    assert (first.status_code, first.headers["Location"]) == (303, "/ui/")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert page.status_code == 200
    assert (second.status_code, "Set-Cookie" in second.headers) == (401, False)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/ui/../v1", "/ui/\r\nX: 1", "/other"]
)
async def test_login_link_leads_nowhere_else(world: World, to: str) -> None:
    async with world.client() as client:
        answer = await client.post("/v1/me/links", json={"to": to})
    assert answer.json()["errors"][0]["field"] == "body.to"


@pytest.mark.anyio
async def test_cookie_cannot_change_anything(world: World) -> None:
    cookie = sessions_of(world).session(ANNA, 60)
    run = world.submit()
    async with world.client() as client:
        del client.headers["Authorization"]
        client.cookies.set(COOKIE, cookie)
        assert (await client.get(f"{RUNS}/{run.id}")).status_code == 200
        assert (await client.post(f"{RUNS}/{run.id}/cancel")).status_code == 401
