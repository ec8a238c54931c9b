"""`/v1/projects/{project}/suites/{digest}`: the source of suites, addressed by digest."""

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.rest.access import Changed, Viewed, With
from api.rest.artifacts import Sha256Path
from api.rest.reply import reply
from api.rest.upload import upload_of
from harness.domain.ids import Digest
from harness.errors import NotFound

router = APIRouter(prefix="/v1/projects/{project}/suites", tags=["suites"])


class SuiteStored(BaseModel):
    """An archive that is now there."""

    digest: str
    size: int


@router.put("/{digest}", status_code=201, response_model=SuiteStored)
async def upload(services: With, scope: Changed, digest: Sha256Path, request: Request) -> Response:
    """Store a suite's archive (tar, optionally gzip); 200 when it was there already."""
    limit = services.settings.max_suite_bytes
    content = upload_of(request, digest, limit, "suite")
    there = await services.threaded(services.artifacts.has, scope, Digest(digest))
    _, size = await services.threaded(services.artifacts.put, scope, content, max_bytes=limit)
    return reply(SuiteStored(digest=digest, size=size), 200 if there else 201)


@router.head("/{digest}")
async def exists(services: With, scope: Viewed, digest: Sha256Path) -> Response:
    """200 when the archive is there, 404 when it has to be uploaded."""
    if not await services.threaded(services.artifacts.has, scope, Digest(digest)):
        raise NotFound(f"No suite archive {digest} was uploaded to this project.")
    return Response()
