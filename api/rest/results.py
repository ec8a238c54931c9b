"""`…/runs/{run_id}/tests`, `junit.xml`, `ctrf.json`, `failures`, `assessment`: what came of it."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from api.rest.access import Viewed, With
from api.rest.reply import reply
from api.rest.runs import RunPath
from api.rest.wire.analysis import (
    AssessmentWire,
    FailurePage,
    assessment_wire,
    assignment_wire,
    cluster_wire,
)
from api.rest.wire.results import TestPage, test_wire
from harness.domain.attempt import Verdict
from harness.domain.ctrf import ctrf_json
from harness.domain.ids import RunId
from harness.domain.results import RunResults
from harness.errors import NotFound

CHUNK_BYTES = 64 * 1024

router = APIRouter(prefix="/v1/projects/{project}/runs/{run_id}", tags=["results"])


@router.get("/tests", response_model=TestPage)
async def list_tests(
    services: With,
    scope: Viewed,
    run_id: RunPath,
    verdict: Annotated[list[Verdict] | None, Query(max_length=len(Verdict))] = None,
    after: Annotated[int, Query(ge=-1)] = -1,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Response:
    """Tests with their attempts, in the order of collection; `verdict` may be repeated."""
    results = await services.threaded(services.runs.results, scope, RunId(run_id))
    wanted = frozenset(verdict) if verdict else None
    return reply(await services.threaded(_page, results, wanted, after, limit))


@router.get("/junit.xml")
async def junit(services: With, scope: Viewed, run_id: RunPath) -> Response:
    """The results as a JUnit document."""
    results = await services.threaded(services.runs.results, scope, RunId(run_id))
    headers = {"Content-Disposition": f'attachment; filename="junit-{results.run_id}.xml"'}
    document = _in_chunks(services.junit(results))
    return StreamingResponse(document, 200, headers, "application/xml")


@router.get("/ctrf.json")
async def ctrf(services: With, scope: Viewed, run_id: RunPath) -> Response:
    """The results as a CTRF report."""
    results = await services.threaded(services.runs.results, scope, RunId(run_id))
    headers = {"Content-Disposition": f'attachment; filename="ctrf-{results.run_id}.json"'}
    return StreamingResponse(_in_chunks(ctrf_json(results)), 200, headers, "application/json")


@router.get("/failures", response_model=FailurePage)
async def failures(services: With, scope: Viewed, run_id: RunPath) -> Response:
    """The run's failures with the clusters they belong to."""
    found = await services.threaded(services.runs.failures, scope, RunId(run_id))
    clusters = {cluster.id: cluster_wire(cluster) for _, cluster in found}
    page = FailurePage.model_construct(
        clusters=list(clusters.values()),
        assignments=[assignment_wire(assignment) for assignment, _ in found],
    )
    return reply(page)


@router.get("/assessment", response_model=AssessmentWire)
async def assessment(services: With, scope: Viewed, run_id: RunPath) -> Response:
    """The readiness verdict; 404 until the run was assessed."""
    found = await services.read(services.runs.assessment, scope, RunId(run_id))
    if found is None:
        raise NotFound(f"Run {run_id} has not been assessed yet. Ask again after it has ended.")
    return reply(assessment_wire(found))


def _in_chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces, because each costs a change of threads."""
    chunk = bytearray()
    for piece in pieces:
        chunk += piece
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _page(
    results: RunResults, verdicts: frozenset[Verdict] | None, after: int, limit: int
) -> TestPage:
    wanted = [
        test
        for test in results.tests
        if test.case.index > after and (verdicts is None or test.verdict in verdicts)
    ]
    page = wanted[:limit]
    return TestPage.model_construct(
        tests=[test_wire(test) for test in page],
        counts=results.counts(),
        next=page[-1].case.index if len(wanted) > limit else None,
    )
