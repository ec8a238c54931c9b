"""`/v1/projects/{project}/sources`: suites fetched from git repositories."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints
from starlette.responses import Response

from api.rest.access import Changed, With
from api.rest.reply import reply
from api.rest.wire.model import Line, WireModel
from api.rest.wire.run import SuiteWire, suite_wire
from harness.domain.git_reference import GitReference

router = APIRouter(prefix="/v1/projects/{project}/sources", tags=["suites"])


class ReferenceWire(WireModel):
    """What to fetch."""

    url: Line
    """Such as `https://git.example.org/shop.git`; never with a credential."""
    ref: Line = "HEAD"
    """Branch, tag or whole commit id."""
    folder: Line = "."
    """Where the command runs, relative to the repository's root."""
    secret: Annotated[str, StringConstraints(max_length=128)] | None = None
    """Name of the secret that opens the repository: a token, or USER:PASSWORD."""


class FetchedWire(WireModel):
    """A suite that is there; submit runs with it as with one that was uploaded."""

    suite: SuiteWire
    size: int
    config_path: str | None
    """Of the nearest `ath.toml`."""
    config: str


@router.post("", status_code=201, response_model=FetchedWire)
async def fetch(services: With, scope: Changed, wire: ReferenceWire) -> Response:
    """Resolve a git reference to a commit, once, and store it as a suite."""
    reference = GitReference(wire.url, wire.ref, wire.folder)
    found = await services.sources.fetch(scope, reference, wire.secret)
    return reply(
        FetchedWire.model_construct(
            suite=suite_wire(found.suite),
            size=found.size,
            config_path=found.config_path,
            config=found.config,
        ),
        201,
    )
