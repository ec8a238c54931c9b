"""Files of a sandbox's workspace; paths are relative to it and never lead out of it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.rest.access import OfTenant, With
from api.rest.reply import reply
from api.rest.sandboxes import IdPath
from api.rest.wire.sandbox import FolderWire, folder_wire
from harness.domain.ids import TenantId
from harness.domain.sandbox import SandboxRef
from harness.errors import QuotaExceeded, TooLarge, Unavailable

router = APIRouter(prefix="/v1/sandboxes/{sandbox}", tags=["sandboxes"])

PathQuery = Annotated[str, Query(min_length=1, max_length=4096)]
_BODY_SECONDS = 120.0
_BYTES = "application/octet-stream"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
_BODY = {"requestBody": {"content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}}}}


@dataclass(slots=True)
class Transfers:
    """Counts files under way, each of which is in memory here."""

    most: int = 4
    """Of one tenant, in one process."""
    _of: "Counter[TenantId]" = field(default_factory=Counter)

    @contextmanager
    def one(self, tenant: TenantId) -> Iterator[None]:
        """Be one of them; QuotaExceeded when there are as many as may be."""
        if self._of[tenant] >= self.most:
            raise QuotaExceeded(f"{self.most} files of this tenant are under way; wait for one.")
        self._of[tenant] += 1
        try:
            yield
        finally:
            self._of[tenant] -= 1
            if not self._of[tenant]:
                del self._of[tenant]


@router.get("/files", response_class=Response, responses={200: {"content": {_BYTES: {}}}})
async def read(
    request: Request, services: With, tenant: OfTenant, sandbox: IdPath, path: PathQuery
) -> Response:
    """What a file holds."""
    transfers: Transfers = request.app.state.transfers
    limit = services.settings.max_sandbox_file_bytes
    with transfers.one(tenant):
        data = await services.sandboxes.node.read(SandboxRef(tenant, sandbox), path, limit)
        return Response(data, 200, _HEADERS, _BYTES)


@router.put("/files", status_code=204, openapi_extra=_BODY)
async def write(
    request: Request,
    services: With,
    tenant: OfTenant,
    sandbox: IdPath,
    path: PathQuery,
    mode: Annotated[int, Query(ge=0, le=0o777)] = 0o644,
) -> Response:
    """Make or replace a file with the request's body; its folder has to be there."""
    transfers: Transfers = request.app.state.transfers
    ref = SandboxRef(tenant, sandbox)
    with transfers.one(tenant):
        await services.sandboxes.node.status(ref)  # before its bytes come
        data = await _body(request, services.settings.max_sandbox_file_bytes)
        await services.sandboxes.node.write(ref, path, data, mode)
    return Response(status_code=204)


@router.delete("/files", status_code=204)
async def remove(services: With, tenant: OfTenant, sandbox: IdPath, path: PathQuery) -> Response:
    """Remove a file, a link or an empty folder."""
    await services.sandboxes.node.remove(SandboxRef(tenant, sandbox), path)
    return Response(status_code=204)


@router.get("/folders", response_model=FolderWire)
async def entries(
    services: With, tenant: OfTenant, sandbox: IdPath, path: PathQuery = "."
) -> Response:
    """What is in a folder, by name."""
    found = await services.sandboxes.node.entries(SandboxRef(tenant, sandbox), path)
    return reply(folder_wire(found))


@router.put("/folders", status_code=204)
async def make_folder(
    services: With, tenant: OfTenant, sandbox: IdPath, path: PathQuery
) -> Response:
    """Make a folder and those above it, unless they are there."""
    await services.sandboxes.node.make_folder(SandboxRef(tenant, sandbox), path)
    return Response(status_code=204)


async def _body(request: Request, most: int) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        raise TooLarge(f"The file has {told} bytes, {most} are allowed. Send it in parts.")
    data = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in request.stream():
                data += piece
                if len(data) > most:
                    raise TooLarge(f"The file is larger than {most} bytes. Send it in parts.")
    except TimeoutError as late:
        raise Unavailable(f"The file did not come within {_BODY_SECONDS:.0f} seconds.") from late
    return bytes(data)
