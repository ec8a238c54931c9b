"""The pages, as a browser gets them."""

from dataclasses import replace
from pathlib import Path

import pytest
from httpx import URL

from api.app import create_app
from harness.domain.attempt import Verdict
from harness.domain.git_reference import Origin
from harness.domain.python_environment import PythonEnvironment
from harness.domain.run import RunRequest
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.suite import SuiteVersion
from tests.unit.api.world import ANNA, World

pytestmark = pytest.mark.anyio


async def test_runs_page_lists_commands(world: World) -> None:
    world.submit("pytest", "-k", "<script>alert(1)</script>")
    async with world.client() as client:
        page = await client.get("/ui/default")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text


async def test_run_page_shows_counts_and_filters(world: World) -> None:
    run = world.finish(world.submit(), Verdict.PASSED, Verdict.FAILED, Verdict.PASSED)
    async with world.client() as client:
        page = await client.get(f"/ui/default/runs/{run.id}")
        failed = await client.get(f"/ui/default/runs/{run.id}", params={"verdict": "failed"})
    assert 'aria-label="1 failed, 2 passed"' in page.text
    assert page.text.count("test_shop.py::test_") == 3
    assert failed.text.count("test_shop.py::test_") == 1


async def test_run_page_tells_where_the_suite_and_its_packages_come_from(world: World) -> None:
    origin = Origin("https://git.example.org/<b>", "abcdef0123456789" * 2 + "0" * 8, "main")
    suite = SuiteVersion(world.suite, "shop", origin=origin)
    request = RunRequest(suite, ("pytest",), python=PythonEnvironment("uv.lock"))
    run = world.services.runs.submit(DEFAULT_SCOPE, request, ANNA)
    async with world.client() as client:
        page = await client.get(f"/ui/default/runs/{run.id}")
    assert "<code>abcdef012345</code> (main of https://git.example.org/&lt;b&gt;)" in page.text
    assert "<dt>Packages</dt><dd>uv.lock</dd>" in page.text
    assert "<dt>Secrets</dt>" not in page.text


async def test_test_page_shows_trace_and_output_escaped(world: World) -> None:
    run = world.finish(world.submit(), Verdict.FAILED)
    async with world.client() as client:
        page = await client.get(f"/ui/default/runs/{run.id}/tests/0")
        missing = await client.get(f"/ui/default/runs/{run.id}/tests/7")
    assert "expected 200, got &lt;500&gt;" in page.text
    assert "hello &lt;b&gt;world" in page.text
    assert (missing.status_code, "no test number 7" in missing.text) == (404, True)


async def test_test_page_shows_steps_escaped_and_nested(world: World) -> None:
    run = world.finish(world.submit(), Verdict.FAILED)
    async with world.client() as client:
        page = await client.get(f"/ui/default/runs/{run.id}/tests/0")
    assert page.text.count('<ol class="steps">') == 2
    assert "Ask for &lt;all&gt;" in page.text
    assert page.text.index("Pay") < page.text.index("by card")


async def test_only_running_pages_follow(world: World) -> None:
    run = world.submit()
    async with world.client() as client:
        page = await client.get(f"/ui/default/runs/{run.id}")
        assert f"/runs/{run.id}/events?after=1" in page.text
        assert "live.js" in page.text


async def test_trace_opens_under_a_name_without_session(world: World) -> None:
    run = world.submit()
    ref = world.link(run, "test-x/trace.zip", b"PK", "application/zip")
    async with world.client() as client:
        page = await client.get(f"/ui/default/runs/{run.id}")
        opened = await client.get(f"/ui/default/traces/{ref.digest}")
        address = URL(opened.headers["Location"])
        del client.headers["Authorization"]
        trace = await client.get(address.params["trace"])
        forged = await client.get(address.params["trace"] + "x")
    assert f'href="/ui/default/traces/{ref.digest}"' in page.text
    assert (address.host, address.path) == ("localhost", "/trace/index.html")
    assert (trace.content, forged.status_code) == (b"PK", 401)


async def test_trace_of_another_tenant_is_not_found(world: World) -> None:
    digest = world.store(b"PK")
    async with world.client(world.stranger) as client:
        opened = await client.get(f"/ui/default/traces/{digest}")
        trace = await client.get(URL(opened.headers["Location"]).params["trace"])
    assert trace.status_code == 404


async def test_signed_out_browser_is_told_what_to_do(world: World) -> None:
    async with world.client() as client:
        del client.headers["Authorization"]
        page = await client.get("/ui/default")
    assert page.status_code == 401
    assert page.headers["Content-Type"].startswith("text/html")
    assert "ath status" in page.text


@pytest.mark.parametrize("name", ["..%2fsecret", "%2fetc/passwd", "%00", "", "sub", "..%2f..%2fx"])
async def test_viewer_files_are_confined(world: World, tmp_path: Path, name: str) -> None:
    viewer = tmp_path / "viewer"
    (viewer / "sub").mkdir(parents=True)
    (viewer / "index.html").write_text("viewer")
    (tmp_path / "secret").write_text("secret")
    services = replace(world.services, trace_viewer=viewer)
    shown = replace(world, app=create_app(services))
    async with shown.client() as client:
        assert (await client.get("/trace/index.html")).text == "viewer"
        assert (await client.get(f"/trace/{name}")).status_code == 404
        assert (await client.post("/trace/index.html")).status_code == 405


async def test_names_and_messages_of_an_import_are_only_shown(world: World) -> None:
    name = "&lt;script&gt;alert(1)&lt;/script&gt;\u202egpj.exe &#27;[2J"
    failure = f'<failure message="{name}">{name}</failure><system-out>{name}</system-out>'
    report = f'<testsuite name="{name}"><testcase name="{name}">{failure}</testcase></testsuite>'
    async with world.client() as client:
        body = report.encode()
        run = (await client.post("/v1/projects/default/imports", content=body)).json()
        for path in ("", "/tests/0"):
            page = await client.get(f"/ui/default/runs/{run['id']}{path}")
            assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202egpj.exe #x1B[2J" in page.text
            assert "<script>alert" not in page.text
            assert "\u202e" not in page.text
            assert "\x1b" not in page.text
