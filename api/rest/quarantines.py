"""`/v1/projects/{project}/quarantines`: tests that run without gating."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.rest.access import Caller, Changed, Viewed, With
from api.rest.reply import reply
from api.rest.wire.quarantine import PutQuarantineWire, QuarantineList, QuarantineWire
from harness.domain.quarantine import MAX_PATTERN, Quarantine

router = APIRouter(prefix="/v1/projects/{project}/quarantines", tags=["quarantines"])


@router.get("", response_model=QuarantineList)
async def list_quarantines(services: With, scope: Viewed) -> Response:
    """Every quarantine of the project, by pattern; also those that are over."""
    found = await services.threaded(services.quarantines.list, scope)
    return reply(QuarantineList.model_construct(quarantines=[_wire(each) for each in found]))


@router.put("", response_model=QuarantineWire)
async def put_quarantine(
    services: With, scope: Changed, by: Caller, wire: PutQuarantineWire
) -> Response:
    """Quarantine tests, or replace the quarantine of the same pattern."""
    put = services.quarantines.put
    found = await services.threaded(put, scope, by, wire.pattern, wire.reason, wire.until)
    return reply(_wire(found))


@router.delete("", status_code=204)
async def lift_quarantine(
    services: With, scope: Changed, pattern: Annotated[str, Query(max_length=MAX_PATTERN)]
) -> Response:
    """Let the tests gate again."""
    await services.threaded(services.quarantines.lift, scope, pattern)
    return Response(status_code=204)


def _wire(found: Quarantine) -> QuarantineWire:
    return QuarantineWire.model_construct(
        pattern=found.pattern,
        reason=found.reason,
        by=found.by,
        since=found.since,
        until=found.until,
    )
