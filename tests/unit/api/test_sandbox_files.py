"""Files and servers of sandboxes over HTTP: bounded, confined, and never obeyed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.services import ApiSettings
from harness.domain.sandbox import SandboxRef
from harness.domain.sandbox_visit import Visited
from tests.unit.api.test_sandboxes import BOXES, made
from tests.unit.api.world import ANNA, World, make_world

pytestmark = pytest.mark.anyio
DATA = bytes(range(256))


async def test_files_are_written_listed_read_and_removed(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        put = await client.put(f"{box}/files", params={"path": "ein wört"}, content=DATA)
        read = await client.get(f"{box}/files", params={"path": "ein wört"})
        listed = (await client.get(f"{box}/folders")).json()["entries"]
        removed = await client.delete(f"{box}/files", params={"path": "ein wört"})
        gone = await client.get(f"{box}/files", params={"path": "ein wört"})
        folder = await client.put(f"{box}/folders?path=a/b")
    assert [put.status_code, removed.status_code, folder.status_code] == [204, 204, 204]
    assert (read.content, gone.status_code) == (DATA, 404)
    assert [(one["name"], one["size"], one["kind"]) for one in listed] == [
        ("ein wört", 256, "file")
    ]


async def test_what_is_read_is_shown_by_no_browser(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        await client.put(f"{box}/files?path=page.html", content=b"<script>alert(1)</script>")
        read = await client.get(f"{box}/files?path=page.html")
    assert read.headers["content-type"] == "application/octet-stream"
    assert read.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in read.headers["content-security-policy"]


LEADING_OUT = ("../x", "a/../../x", "/etc/passwd", "%2e%2e/x", "a%00b", "%2e%2e%2f%2e%2e%2fetc")


async def test_paths_never_lead_out(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        for path in LEADING_OUT:
            answers = [
                await client.get(f"{box}/files?path={path}"),
                await client.put(f"{box}/files?path={path}", content=b"x"),
                await client.delete(f"{box}/files?path={path}"),
                await client.get(f"{box}/folders?path={path}"),
                await client.put(f"{box}/folders?path={path}"),
            ]
            assert {answer.status_code for answer in answers} <= {403, 422}, path


async def test_a_file_is_bounded_whatever_its_length_says(tmp_path: Path) -> None:
    world = make_world(tmp_path, ApiSettings(max_sandbox_file_bytes=2 << 20, max_body_bytes=1000))
    async with world.client() as client:
        box = await made(client)
        fits = await client.put(f"{box}/files?path=a", content=b"x" * (2 << 20))
        told = await client.put(f"{box}/files?path=a", content=b"x" * (2 << 20) + b"y")
        untold = await client.put(f"{box}/files?path=a", content=_pieces())
        other = await client.post(f"{box}/exec", json={"argv": ["cat"], "stdin": "x" * 1000})
        ref = SandboxRef(ANNA.tenant, box.removeprefix(f"{BOXES}/"))
        world.node.rooms[ref].files["a"] = b"x" * (3 << 20)
        read = await client.get(f"{box}/files?path=a")
    assert [fits.status_code, told.status_code, untold.status_code] == [204, 413, 413]
    assert (other.status_code, read.status_code) == (413, 413)


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"x" * (1 << 20)


async def test_no_other_route_is_taken_for_an_upload(tmp_path: Path) -> None:
    world = make_world(tmp_path, ApiSettings(max_body_bytes=1000))
    body = b"x" * 2000
    async with world.client() as client:
        box = await made(client)
        answers = [
            await client.post(f"{box}/ports/80/suites/x", content=body),
            await client.post(f"{box}/ports/80/imports", content=body),
            await client.post(f"{box}/ports/80/files", content=body),
        ]
    assert {answer.status_code for answer in answers} == {413}


async def test_a_server_inside_is_asked_and_told_nothing_of_the_caller(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        id = box.removeprefix(f"{BOXES}/")
        room = world.node.rooms[SandboxRef(ANNA.tenant, id)]
        room.servers[8000] = Visited(
            201,
            [
                ("Content-Type", "text/html"),
                ("Set-Cookie", "ath_session=mine"),
                ("Access-Control-Allow-Origin", "*"),
                ("Content-Security-Policy", "default-src *"),
                ("X-Accel-Redirect", "/secret"),
                ("X-Frame-Options", "ALLOWALL"),
                ("Ath-Sandbox", "other"),
                ("X-Shop", "open"),
                ("Location", "/cart"),
            ],
            b"<script>",
        )
        answer = await client.post(
            f"{box}/ports/8000/a%2Fb/c?x=1&y=%20",
            content=b"body",
            headers={"X-Mine": "yes", "Cookie": "a=b", "Connection": "X-Hop", "X-Hop": "1"},
        )
        none = await client.get(f"{box}/ports/9000/")
    (visit,) = room.visits
    names = {name.lower() for name, _ in visit.headers}
    assert (visit.method, visit.body) == ("POST", b"body")
    assert visit.target == "/a%2Fb/c?x=1&y=%20"
    assert "x-mine" in names
    assert not names & {"authorization", "cookie", "host", "x-hop", "connection"}
    assert (answer.status_code, answer.content) == (201, b"<script>")
    assert answer.headers["x-shop"] == "open"
    assert answer.headers["location"] == f"{box}/ports/8000/cart"
    assert answer.headers["ath-sandbox"] == id
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    hidden = {"set-cookie", "access-control-allow-origin", "x-accel-redirect", "x-frame-options"}
    assert not set(answer.headers) & hidden
    assert (none.status_code, "ath-sandbox" in none.headers) == (503, False)


async def test_what_is_no_port_is_refused(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        for port in ("0", "65536", "-1", "x", "80:90"):
            assert (await client.get(f"{box}/ports/{port}/")).status_code == 422, port
