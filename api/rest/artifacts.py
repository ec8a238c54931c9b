"""Artifacts: bytes that tests left behind, served as the hostile content they may be."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path
from starlette.responses import FileResponse, Response

from api.rest.access import Viewed, With
from api.rest.reply import reply
from api.rest.runs import RunPath
from api.rest.wire.results import ArtifactPage, artifact_wire
from api.services import Services
from harness.domain.attempt import ArtifactRef
from harness.domain.ids import Digest, RunId
from harness.domain.scope import Scope
from harness.errors import NotFound

router = APIRouter(prefix="/v1/projects/{project}", tags=["artifacts"])

Sha256Path = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
HARMLESS = frozenset(
    {
        "application/gzip",
        "application/json",
        "application/zip",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/plain",
        "video/webm",
    }
)
"""Media types that no browser runs; everything else goes out as plain bytes."""


@router.get("/runs/{run_id}/artifacts", response_model=ArtifactPage)
async def list_artifacts(services: With, scope: Viewed, run_id: RunPath) -> Response:
    """What the run left behind, by name."""
    refs = await services.threaded(services.runs.artifact_refs, scope, RunId(run_id))
    return reply(ArtifactPage.model_construct(artifacts=[artifact_wire(ref) for ref in refs]))


@router.get("/runs/{run_id}/artifacts/{name:path}", response_class=FileResponse)
async def get_named(
    services: With, scope: Viewed, run_id: RunPath, name: Annotated[str, Path(max_length=1024)]
) -> Response:
    """One of the run's artifacts; ranges are served."""
    refs = await services.threaded(services.runs.artifact_refs, scope, RunId(run_id))
    ref = next((ref for ref in refs if ref.name == name), None)
    if ref is None:
        raise NotFound(f"Run {run_id} has no artifact {name!r}. List them: …/artifacts")
    return await download(services, scope, ref)


@router.get("/artifacts/{digest}", response_class=FileResponse)
async def get_by_digest(services: With, scope: Viewed, digest: Sha256Path) -> Response:
    """Bytes by their digest; ranges are served."""
    return await download(services, scope, ArtifactRef(digest, Digest(digest), 0))


async def download(services: Services, scope: Scope, ref: ArtifactRef) -> Response:
    """The bytes, for saving and never for running.

    Raises:
        NotFound: the tenant never stored them.
    """
    # The name is only ever a header; the file is found by digest.
    path = await services.threaded(services.artifacts.path, scope, ref.digest)
    media_type = ref.media_type if ref.media_type in HARMLESS else "application/octet-stream"
    filename = ref.name.rpartition("/")[2]
    headers = {
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": f'"{ref.digest}"',
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(path, headers=headers, media_type=media_type)
