"""/v1/dead: dead letters, to look at, put back or delete."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query

from pgqueue.async_client import AsyncClient
from pgqueue.http.cursor import cursor_after, dead_place_of
from pgqueue.http.models import (
    MOST_JOBS,
    MOST_ON_PAGE,
    ChosenJobs,
    DeadFilter,
    DeadLine,
    DeadQuery,
    Done,
    Ids,
    Page,
    id_of,
)
from pgqueue.http.problems import answers
from pgqueue.http.redaction import redacted
from pgqueue.http.service import TheClient, TheService, needs
from pgqueue.record import DeadLetter, DeadPlace

router = APIRouter(prefix="/v1/dead", tags=["dead letters"])


@router.get("", dependencies=[needs("read")], summary="List dead letters")
async def dead_letters(service: TheService, query: Annotated[DeadQuery, Query()]) -> Page[DeadLine]:
    """Those that fit every filter, newest first."""
    place = dead_place_of(query.cursor) if query.cursor else None
    letters = await page_of(service.client, query, place, query.limit)
    items = [redacted(DeadLine.model_validate(letter), service.redact) for letter in letters]
    return Page(items=items, next=cursor_after(letters[-1]) if len(letters) == query.limit else None)


@router.post(
    "/retry", dependencies=[needs("admin")], responses=answers(400, 413), summary="Put dead jobs back"
)
async def retry(chosen: ChosenJobs, client: TheClient) -> Ids:
    """With as many attempts as they first had. The answer names those that were dead."""
    return Ids(ids=await client.redrive([id_of(text) for text in chosen.ids]))


@router.post(
    "/purge", dependencies=[needs("admin")], responses=answers(400, 413), summary="Delete dead letters"
)
async def purge(chosen: ChosenJobs, client: TheClient) -> Ids:
    """For good. The answer names those that were there."""
    return Ids(ids=await client.purge([id_of(text) for text in chosen.ids]))


@router.post(
    "/retry-all", dependencies=[needs("admin")], responses=answers(400, 413), summary="Put all that fit back"
)
async def retry_all(wanted: DeadFilter, client: TheClient) -> Done:
    """All that fit every filter; ten thousand at most in one request."""
    return await done_to_all(client, wanted, client.redrive)


@router.post(
    "/purge-all", dependencies=[needs("admin")], responses=answers(400, 413), summary="Delete all that fit"
)
async def purge_all(wanted: DeadFilter, client: TheClient) -> Done:
    """All that fit every filter, for good; ten thousand at most in one request."""
    return await done_to_all(client, wanted, client.purge)


async def page_of(
    client: AsyncClient, wanted: DeadFilter, before: DeadLetter | DeadPlace | None, limit: int
) -> list[DeadLetter]:
    """The letters that fit, in brief, from this place on."""
    return await client.dead_letters(
        queue=wanted.queue,
        task=wanted.task,
        error_type=wanted.error_type,
        died_since=wanted.died_since,
        died_before=wanted.died_before,
        before=before,
        limit=limit,
        brief=True,
    )


async def done_to_all(
    client: AsyncClient, wanted: DeadFilter, act: Callable[[list[int]], Awaitable[list[int]]]
) -> Done:
    """Act on the letters that fit, page by page, each in a transaction of its own."""
    done: list[int] = []
    last: DeadLetter | None = None
    for _ in range(MOST_JOBS // MOST_ON_PAGE):
        # From the last one on: who dies again meanwhile is newer, and not met twice.
        page = await page_of(client, wanted, last, MOST_ON_PAGE)
        if page:
            done += await act([letter.id for letter in page])
        if len(page) < MOST_ON_PAGE:
            return Done(ids=done, more=False)
        last = page[-1]
    return Done(ids=done, more=True)
