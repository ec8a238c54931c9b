"""Artifacts and suites: bytes that come in and go out."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.services import ApiSettings
from tests.unit.api.world import World, make_world

pytestmark = pytest.mark.anyio
PROJECT = "/v1/projects/default"


def suite_path(content: bytes) -> str:
    return f"{PROJECT}/suites/{hashlib.sha256(content).hexdigest()}"


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def test_artifact_is_served_as_hostile_bytes(world: World) -> None:
    run = world.submit()
    world.link(run, "pages/evil.html", b"<script>alert(1)</script>", "text/html")
    async with world.client() as client:
        answer = await client.get(f"{PROJECT}/runs/{run.id}/artifacts/pages/evil.html")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''evil.html"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_artifact_name_cannot_inject_headers(world: World) -> None:
    run = world.submit()
    world.link(run, 'a"\rSet-Cookie: x=1;ü.txt', b"x", "text/plain\r\nX-Evil: 1")
    async with world.client() as client:
        listed = (await client.get(f"{PROJECT}/runs/{run.id}/artifacts")).json()["artifacts"]
        answer = await client.get(
            f"{PROJECT}/runs/{run.id}/artifacts/a%22%0DSet-Cookie:%20x=1;%C3%BC.txt"
        )
    assert listed[0]["name"].endswith("ü.txt")
    assert answer.status_code == 200
    assert {"set-cookie", "x-evil"}.isdisjoint(answer.headers)


async def test_ranges_of_artifacts_are_served(world: World) -> None:
    digest = world.store(b"0123456789")
    async with world.client() as client:
        part = await client.get(f"{PROJECT}/artifacts/{digest}", headers={"Range": "bytes=2-4"})
        beyond = await client.get(f"{PROJECT}/artifacts/{digest}", headers={"Range": "bytes=99-"})
    assert (part.status_code, part.content) == (206, b"234")
    assert beyond.status_code == 416


@pytest.mark.parametrize(
    "name", ["..%2f..%2frecords.db", "../records.db", "%2fetc%2fpasswd", "a%00b", "x" * 5000]
)
async def test_traversal_finds_nothing(world: World, name: str) -> None:
    run = world.submit()
    async with world.client() as client:
        answer = await client.get(f"{PROJECT}/runs/{run.id}/artifacts/{name}")
    assert answer.status_code in {404, 422}


async def test_upload_is_found_and_may_be_repeated(world: World) -> None:
    content = b"suite" * 100_000
    async with world.client() as client:
        before = await client.head(suite_path(content))
        sent = [await client.put(suite_path(content), content=pieces(content)) for _ in range(2)]
        after = await client.head(suite_path(content))
    assert (before.status_code, after.status_code) == (404, 200)
    assert [answer.status_code for answer in sent] == [201, 200]
    assert sent[0].json()["size"] == len(content)


async def test_upload_with_wrong_digest_is_not_kept(world: World) -> None:
    async with world.client() as client:
        answer = await client.put(suite_path(b"good"), content=b"bad")
        there = await client.head(suite_path(b"bad"))
    assert (answer.status_code, there.status_code) == (422, 404)
    assert "Send them again" in answer.json()["detail"]


@pytest.mark.parametrize("chunked", [True, False])
async def test_oversized_upload_is_refused(tmp_path: Path, chunked: bool) -> None:
    world = make_world(tmp_path, ApiSettings(max_suite_bytes=5000))
    content = b"x" * 6000
    async with world.client() as client:
        body = pieces(content) if chunked else content
        answer = await client.put(suite_path(content), content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("chunked", [True, False])
async def test_oversized_body_is_refused(tmp_path: Path, chunked: bool) -> None:
    world = make_world(tmp_path, ApiSettings(max_body_bytes=5000))
    content = b"[" + b" " * 6000 + b"]"
    async with world.client(**{"Content-Type": "application/json"}) as client:
        body = pieces(content) if chunked else content
        answer = await client.post(f"{PROJECT}/runs", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
