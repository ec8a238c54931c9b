"""`…/runs/{run_id}/events`: a page of events as JSON, or a stream of them."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from api.rest.access import Viewed, With
from api.rest.follow import Follow, Followers, Until
from api.rest.runs import RunPath
from api.rest.wire.event import EventPage, event_json
from harness.domain.ids import RunId

router = APIRouter(prefix="/v1/projects/{project}/runs/{run_id}", tags=["events"])

_Seq = Annotated[int, Query(ge=0, le=2**53)]
_LastId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**53)]
_STREAM = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get(
    "/events", response_model=EventPage, responses={200: {"content": {_STREAM: {}}}, 204: {}}
)
async def events(
    request: Request,
    services: With,
    scope: Viewed,
    run_id: RunPath,
    after: _Seq = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    follow: Until = Until.ASSESSED,
    last_event_id: _LastId = None,
) -> Response:
    """Events above seq `after`: a page, or with `Accept: text/event-stream` a stream.

    The stream ends after the fact that `follow` names, of the round that the header Ath-Round
    tells, and can be resumed with Last-Event-ID; 204 says that nothing more will come.
    """
    if _STREAM not in request.headers.get("accept", ""):
        found = await services.read(
            services.runs.events, scope, RunId(run_id), after=after, limit=limit
        )
        rows = ",".join(event_json(event) for event in found)
        following = found[-1].seq if len(found) == limit else "null"
        body = f'{{"events":[{rows}],"next":{following}}}'
        return Response(body, media_type="application/json")
    seen = after if last_event_id is None else last_event_id
    return await _stream(request, Follow(services, scope, RunId(run_id), seen, follow))


async def _stream(request: Request, follow: Follow) -> Response:
    followers: Followers = request.app.state.followers
    if not await follow.prepare():
        return Response(status_code=204)
    followers.enter()
    return _Stream(follow, followers)


class _Stream(StreamingResponse):
    """Leaves when it ends, also when the client went away before the first byte."""

    def __init__(self, follow: Follow, followers: Followers) -> None:
        headers = {**_HEADERS, "Ath-Round": str(follow.round)}
        super().__init__(follow.lines(), 200, headers, _STREAM)
        self._followers = followers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._followers.leave()
