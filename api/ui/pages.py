"""`/ui`: the runs of a project, one run, one test."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import RedirectResponse, Response

from api.rest.access import Caller, Viewed, With
from api.rest.runs import RunPath
from api.services import Services
from api.ui import views
from api.ui.page import PageRoute, render
from harness.domain.attempt import Verdict
from harness.domain.ids import RunId
from harness.domain.run import Run
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import NotFound

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_RUNS = 50


@router.get("/")
@router.get("/ui")
@router.get("/ui/")
async def home(principal: Caller) -> Response:
    """To the caller's first project."""
    project = principal.projects[0] if principal.projects else DEFAULT_SCOPE.project
    return RedirectResponse(f"/ui/{project}", 303)


@router.get("/ui/{project}")
async def runs(
    services: With, scope: Viewed, before: Annotated[str | None, Query(max_length=64)] = None
) -> Response:
    """The project's runs, newest first."""
    found = await services.threaded(
        services.runs.page, scope, before=RunId(before) if before else None, limit=_RUNS + 1
    )
    page = found[:_RUNS]
    return render(
        "runs.html",
        project=scope.project,
        runs=page,
        seconds=views.run_seconds,
        older=page[-1].id if len(found) > _RUNS else None,
    )


@router.get("/ui/{project}/runs/{run_id}")
async def run(
    services: With,
    scope: Viewed,
    run_id: RunPath,
    verdict: Verdict | None = None,
    after: Annotated[int, Query(ge=-1)] = -1,
) -> Response:
    """One run: its verdict, why, and its tests."""
    view = await services.threaded(_run_view, services, scope, RunId(run_id), verdict, after)
    return render(
        "run.html",
        project=scope.project,
        view=view,
        run=view.run,
        verdict=verdict,
        links=views,
        live=_is_live(view.run) or view.assessment is None,
    )


@router.get("/ui/{project}/runs/{run_id}/tests/{index}")
async def show_test(
    services: With, scope: Viewed, run_id: RunPath, index: Annotated[int, Path(ge=0)]
) -> Response:
    """One test with its attempts."""
    results = await services.threaded(services.runs.results, scope, RunId(run_id))
    found = next((test for test in results.tests if test.case.index == index), None)
    if found is None:
        raise NotFound(f"Run {run_id} has no test number {index}.")
    return render(
        "test.html",
        project=scope.project,
        run=results.run,
        test=found,
        links=views,
        live=found.verdict is None and _is_live(results.run),
    )


def _is_live(run: Run) -> bool:
    return not run.state.is_terminal


def _run_view(
    services: Services, scope: Scope, run_id: RunId, verdict: Verdict | None, after: int
) -> views.RunView:
    return views.run_view(
        services.runs.results(scope, run_id),
        services.runs.failures(scope, run_id),
        services.runs.assessment(scope, run_id),
        services.runs.artifact_refs(scope, run_id),
        verdict,
        after,
    )
