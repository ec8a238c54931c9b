"""What every address has in common: errors, health and documentation."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from api.app import create_app
from harness.domain.results import RunResults
from harness.domain.sandbox_visit import METHODS
from harness.errors import Corrupt, Unavailable
from tests.unit.api.world import World

pytestmark = pytest.mark.anyio
SANDBOXES = (
    *("GET /v1/sandboxes", "POST /v1/sandboxes", "GET /v1/sandboxes/snapshots"),
    "DELETE /v1/sandboxes/snapshots/{snapshot}",
    *(
        "GET BOX",
        "DELETE BOX",
        "GET BOX/events",
        "GET BOX/journal",
        "PUT BOX/lifetime",
        "POST BOX/pause",
    ),
    *("POST BOX/resume", "POST BOX/snapshots", "POST BOX/exposures", "POST BOX/exec"),
    *("POST BOX/commands", "POST BOX/commands/{number}/wait", "POST BOX/commands/{number}/signal"),
    *("DELETE BOX/commands/{number}", "GET BOX/files", "PUT BOX/files", "DELETE BOX/files"),
    *("GET BOX/folders", "PUT BOX/folders", "GET BOX/journal"),
)


async def test_unknown_address_and_method_are_problems(world: World) -> None:
    async with world.client() as client:
        missing = await client.get("/v2/nothing")
        method = await client.delete("/v1/projects/default/runs")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert method.headers["Allow"]


def failing(error: Exception) -> Callable[[RunResults], list[bytes]]:
    def call(results: RunResults) -> list[bytes]:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("/etc/secret"), 500),
        (Corrupt("/etc/secret"), 500),
        (Unavailable("Later."), 503),
    ],
)
async def test_inner_trouble_is_masked(world: World, error: Exception, status: int) -> None:
    services = replace(world.services, junit=failing(error))
    broken = replace(world, services=services, app=create_app(services))
    run = broken.submit()
    async with broken.client() as client:
        answer = await client.get(f"/v1/projects/default/runs/{run.id}/junit.xml")
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert answer.json()["trace_id"]
    assert ("Retry-After" in answer.headers) == answer.json()["retryable"] == (status == 503)


async def test_health_needs_no_key(world: World) -> None:
    async with world.client() as client:
        client.headers.clear()
        live = await client.get("/healthz", headers={"Host": "10.0.0.7"})
        ready = await client.get("/readyz")
    assert live.json() == {"status": "ok"}
    assert ready.json() == {"records": "ok", "artifacts": "ok"}


async def test_schema_describes_every_noun(world: World) -> None:
    async with world.client() as client:
        schema = (await client.get("/openapi.json")).json()
    operations = {
        f"{method.upper()} {path.removeprefix('/v1/projects/{project}')}"
        for path, methods in schema["paths"].items()
        for method in methods
    }
    listing = schema["paths"]["/v1/projects/{project}/runs"]["get"]
    assert listing["parameters"][0]["name"] == "project"
    assert listing["security"] == [{"key": []}]
    assert "application/problem+json" in listing["responses"]["default"]["content"]
    assert operations == {
        "GET /healthz",
        "GET /readyz",
        "GET /quarantines",
        "PUT /quarantines",
        "DELETE /quarantines",
        "GET /v1/quotas",
        "PUT /v1/quotas/{name}",
        *(
            f"{method} /v1/policies/{whose}"
            for method in ("GET", "PUT", "DELETE")
            for whose in ("tenant", "agents/{name}")
        ),
        "GET /v1/policies",
        "GET /v1/policies/tenant/versions",
        "GET /v1/policies/agents/{name}/versions",
        "GET /v1/policies/agents/{name}/effective",
        "GET /v1/models",
        "PUT /v1/models/{name}",
        "DELETE /v1/models/{name}",
        "GET /v1/me",
        "POST /v1/me/links",
        "GET /artifacts/{digest}",
        "GET /runs",
        "POST /runs",
        "GET /runs/{run_id}",
        "POST /runs/{run_id}/cancel",
        "POST /runs/{run_id}/rerun",
        "GET /runs/{run_id}/events",
        "GET /runs/{run_id}/tests",
        "GET /runs/{run_id}/junit.xml",
        "GET /runs/{run_id}/ctrf.json",
        "POST /imports",
        "GET /runs/{run_id}/failures",
        "GET /runs/{run_id}/assessment",
        "GET /runs/{run_id}/artifacts",
        "GET /runs/{run_id}/artifacts/{name}",
        "HEAD /suites/{digest}",
        "PUT /suites/{digest}",
        "POST /sources",
        "GET /secrets",
        "PUT /secrets/{name}",
        "DELETE /secrets/{name}",
        *(operation.replace("BOX", "/v1/sandboxes/{sandbox}") for operation in SANDBOXES),
        *(f"{one} /v1/sandboxes/{{sandbox}}/ports/{{port}}/{{path}}" for one in METHODS),
    }


async def test_docs_use_nothing_from_elsewhere(world: World, tmp_path: Path) -> None:
    (tmp_path / "swagger-ui.css").write_text("body {}")
    services = replace(world.services, docs_assets=tmp_path)
    with_docs = replace(world, app=create_app(services))
    async with with_docs.client() as client:
        page = await client.get("/docs")
        style = await client.get("/docs/swagger-ui.css")
        other = await client.get("/docs/records.db")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text.replace("http-equiv", "")
    assert (style.text, other.status_code) == ("body {}", 404)


async def test_docs_without_assets_point_to_schema(world: World) -> None:
    async with world.client() as client:
        answer = await client.get("/docs")
    assert (answer.status_code, "/openapi.json" in answer.json()["detail"]) == (404, True)
