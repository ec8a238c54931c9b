"""`/v1/projects/{project}/runs`: submit, list, look, cancel."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from api.rest.access import Caller, Changed, Viewed, With
from api.rest.reply import reply, unchanged
from api.rest.wire.run import (
    CancelWire,
    RequestWire,
    RerunWire,
    RunPage,
    RunWire,
    request_from,
    run_wire,
)
from harness.domain.ids import RunId, TestId
from harness.domain.run import Run, RunState
from harness.domain.scope import Scope

router = APIRouter(prefix="/v1/projects/{project}/runs", tags=["runs"])

RunPath = Annotated[str, Path(max_length=64)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]


@router.post("", status_code=201, response_model=RunWire)
async def submit(
    services: With, scope: Changed, by: Caller, wire: RequestWire, idempotency_key: Key = None
) -> Response:
    """Submit a run; the same Idempotency-Key gives the same run."""
    run = await services.threaded(
        services.runs.submit, scope, request_from(wire), by, idempotency_key
    )
    ahead = await services.read(services.runs.place, run)
    return answer(run, 201, {"Location": location(scope, run)}, ahead=ahead)


@router.get("", response_model=RunPage)
async def list_runs(
    services: With,
    scope: Viewed,
    before: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    state: RunState | None = None,
) -> Response:
    """Runs of the project, newest first."""
    found = await services.read(
        services.runs.page,
        scope,
        before=RunId(before) if before else None,
        limit=limit + 1,
        state=state,
    )
    page, more = found[:limit], len(found) > limit
    following = page[-1].id if more else None
    return reply(RunPage.model_construct(runs=[run_wire(run) for run in page], next=following))


@router.get("/{run_id}", response_model=RunWire)
async def get_run(services: With, scope: Viewed, run_id: RunPath, request: Request) -> Response:
    """One run; ask again with If-None-Match and get 304 while nothing changed."""
    run = await services.read(services.runs.get, scope, RunId(run_id))
    ahead = await services.read(services.runs.place, run)
    if unchanged(request, _etag(run, ahead)):
        return Response(status_code=304, headers={"ETag": _etag(run, ahead)})
    return answer(run, 200, ahead=ahead)


@router.post("/{run_id}/cancel", status_code=202, response_model=RunWire)
async def cancel(
    services: With, scope: Changed, by: Caller, run_id: RunPath, wire: CancelWire | None = None
) -> Response:
    """Ask the run to stop; a run that ended stays as it is."""
    why = wire.why if wire else ""
    run = await services.threaded(services.runs.cancel, scope, RunId(run_id), by, why)
    return answer(run, 202)


@router.post("/{run_id}/rerun", status_code=202, response_model=RunWire)
async def rerun(
    services: With,
    scope: Changed,
    by: Caller,
    run_id: RunPath,
    wire: RerunWire | None = None,
    idempotency_key: Key = None,
) -> Response:
    """Attempt tests of a run that ended again, within the same run."""
    tests = [TestId(test) for test in wire.tests] if wire else []
    call = services.runs.rerun
    run = await services.threaded(call, scope, RunId(run_id), by, tests, idempotency_key)
    return answer(run, 202)


def answer(
    run: Run, status: int, headers: dict[str, str] | None = None, *, ahead: int | None = None
) -> Response:
    """A run as it stands."""
    sent = {"ETag": _etag(run, ahead), "Cache-Control": "no-cache", **(headers or {})}
    return reply(run_wire(run, ahead), status, sent)


def _etag(run: Run, ahead: int | None) -> str:
    return f'"{run.version}"' if ahead is None else f'"{run.version}-{ahead}"'


def location(scope: Scope, run: Run) -> str:
    """Where the run is found from now on."""
    return f"/v1/projects/{scope.project}/runs/{run.id}"
