"""/v1/events: what ends, as server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from pgqueue.http.feed import name_of
from pgqueue.http.models import EndAnswer
from pgqueue.http.problems import RETRY_AFTER
from pgqueue.http.service import TheService, needs

MOST_VIEWERS = 500

router = APIRouter(prefix="/v1/events", tags=["installation"])


async def room(service: TheService) -> None:
    """Refuse one viewer too many, before its stream begins."""
    if service.feed.viewers >= MOST_VIEWERS:
        detail = f"{MOST_VIEWERS} look on already, more are not served"
        raise HTTPException(503, detail, headers=RETRY_AFTER)


@router.get(
    "",
    response_class=EventSourceResponse,
    dependencies=[needs("read"), Depends(room)],
    summary="Watch attempts end",
)
async def events(
    service: TheService, last_event_id: Annotated[str | None, Header()] = None
) -> AsyncIterator[ServerSentEvent]:
    """An `end` for each attempt, within about a second: the recent ones, then what comes.

    Who comes back with Last-Event-ID goes on from there. A `gap` says that some are left out: of more
    than two hundred in a second, or of more than a thousand that were not fetched.
    """
    async for end in service.feed.follow(last_event_id):
        if end is None:
            yield ServerSentEvent(event="gap", data={})
        else:
            yield ServerSentEvent(event="end", id=name_of(end), data=EndAnswer.model_validate(end))
