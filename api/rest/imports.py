"""`/v1/projects/{project}/imports`: runs made of results from elsewhere."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.rest.access import Caller, Changed, With
from api.rest.runs import Key, answer, location
from api.rest.upload import upload_of
from api.rest.wire.run import RunWire
from harness.domain.imported_run import ImportOrder
from harness.domain.report_format import ReportFormat

router = APIRouter(prefix="/v1/projects/{project}/imports", tags=["runs"])

_Name = Annotated[str, Query(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]*$")]


_BODY = {
    "content": {
        kind: {"schema": {"type": "string", "format": "binary"}}
        for kind in ("application/xml", "application/json", "application/x-tar")
    }
}


@router.post("", status_code=201, response_model=RunWire, openapi_extra={"requestBody": _BODY})
async def import_results(
    services: With,
    scope: Changed,
    by: Caller,
    request: Request,
    name: _Name = "report",
    suite: _Name = "imported",
    format: ReportFormat | None = None,
    environment: _Name | None = None,
    release: _Name | None = None,
    idempotency_key: Key = None,
) -> Response:
    """Import results: the body is one report, or a tar file of reports and what they name.

    JUnit XML, CTRF and Allure results are told apart by themselves, or all is read as `format`.
    The same Idempotency-Key gives the same run.
    """
    limit = services.settings.max_import_bytes
    content = upload_of(request, None, limit, "upload")
    digest, _ = await services.threaded(services.artifacts.put, scope, content, max_bytes=limit)
    order = ImportOrder(digest, name, format, suite, environment, release)
    run = await services.threaded(services.imports.accept, scope, order, by, idempotency_key)
    return answer(run, 201, {"Location": location(scope, run)})
