"""/v1/dead: dead letters, to look at, put back or delete."""

from typing import Annotated

from fastapi import APIRouter, Query

from pgqueue.http.cursor import cursor_after, dead_place_of
from pgqueue.http.models import ChosenJobs, DeadAnswer, DeadQuery, Ids, Page, id_of
from pgqueue.http.problems import answers
from pgqueue.http.service import TheClient, needs

router = APIRouter(prefix="/v1/dead", tags=["dead letters"])


@router.get("", dependencies=[needs("read")], summary="List dead letters")
async def dead_letters(client: TheClient, query: Annotated[DeadQuery, Query()]) -> Page[DeadAnswer]:
    """Those that fit every filter, newest first."""
    letters = await client.dead_letters(
        queue=query.queue,
        task=query.task,
        error_type=query.error_type,
        died_since=query.died_since,
        before=dead_place_of(query.cursor) if query.cursor else None,
        limit=query.limit,
    )
    items = [DeadAnswer.model_validate(letter) for letter in letters]
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
