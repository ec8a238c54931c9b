"""Suites from repositories, over HTTP and with the SDK."""

import pytest

from harness.client import Client
from harness.domain.git_reference import GitReference, Origin
from harness.domain.run import RunRequest
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.suite import SuiteVersion
from tests.unit.api.world import ANNA, World

SOURCES = "/v1/projects/default/sources"
URL = "https://git.example.org/shop.git"


@pytest.mark.anyio
async def test_a_viewer_fetches_nothing(world: World) -> None:
    async with world.client(world.viewer) as client:
        assert (await client.post(SOURCES, json={"url": URL})).status_code == 403


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body", [{}, {"url": "ext::sh"}, {"url": URL, "ref": "--x"}, {"url": URL, "folder": "../x"}]
)
async def test_a_reference_that_could_mean_more_is_refused(
    world: World, body: dict[str, str]
) -> None:
    async with world.client() as client:
        assert (await client.post(SOURCES, json=body)).status_code == 422


@pytest.mark.anyio
async def test_an_error_never_holds_the_credential(world: World) -> None:
    world.services.secrets.put(DEFAULT_SCOPE, "WRONG", "another-secret", ANNA)
    async with world.client() as client:
        refused = await client.post(SOURCES, json={"url": URL, "secret": "WRONG"})
        unknown = await client.post(SOURCES, json={"url": URL, "secret": "NOBODY"})
    assert refused.status_code == 422
    assert "another-secret" not in refused.text
    assert unknown.status_code == 404


def test_a_run_tells_its_origin_in_its_first_event(world: World) -> None:
    world.services.secrets.put(DEFAULT_SCOPE, "GIT", "user:hunter2-secret", ANNA)
    with world.serving() as url, Client(url, world.member) as client:
        found = client.suites.fetch(GitReference(URL, "main", "tests"), "GIT")
        assert (found.config_path, found.config) == ("ath.toml", "[run]\nretries = 2\n")
        origin = Origin(URL, "a" * 40, "main")
        assert found.suite == SuiteVersion(found.suite.digest, "shop", "tests", origin)
        suite = SuiteVersion(world.suite, "shop", "tests", origin)
        run = client.runs.submit(RunRequest(suite, ("pytest",)))
        assert run.request.suite == suite
    first = world.services.runs.events(DEFAULT_SCOPE, run.id)[0]
    assert first.data["origin"] == f"{URL}@{'a' * 40}"
