"""/v1/jobs: enqueue, list, look, wait, cancel, hurry."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from pgqueue.errors import InvalidJob
from pgqueue.http.cursor import cursor_of, place_of
from pgqueue.http.models import (
    AskedId,
    Cancellation,
    Cancelled,
    ChosenJobs,
    Enqueued,
    Ids,
    JobAnswer,
    JobLine,
    JobQuery,
    ManyJobs,
    Page,
    Reprioritised,
    id_of,
)
from pgqueue.http.problems import answers
from pgqueue.http.redaction import redacted
from pgqueue.http.service import TheClient, TheService, needs
from pgqueue.job import Job
from pgqueue.job_fields import JobFields, job_of

LONGEST_WAIT_SECONDS = 60

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post(
    "",
    status_code=201,
    dependencies=[needs("enqueue")],
    responses=answers(400, 413),
    summary="Enqueue a job",
)
async def enqueue(fields: JobFields, client: TheClient, request: Request, response: Response) -> Enqueued:
    """The object is the same as a line of `pgqueue enqueue --file`. The worker validates the payload."""
    job_id = await client.enqueue(job_of(fields))
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/v1/jobs/{job_id}"
    return Enqueued(id=job_id)


@router.post(
    "/many",
    status_code=201,
    dependencies=[needs("enqueue")],
    responses=answers(400, 413),
    summary="Enqueue many jobs",
)
async def enqueue_many(many: ManyJobs, client: TheClient) -> Ids:
    """All of them or none, in one transaction; their ids come in the same order."""
    jobs = [numbered(number, fields) for number, fields in enumerate(many.jobs)]
    return Ids(ids=await client.enqueue_many(jobs))


@router.get("", dependencies=[needs("read")], summary="List jobs")
async def list_jobs(client: TheClient, query: Annotated[JobQuery, Query()]) -> Page[JobLine]:
    """Newest first; waiting and scheduled ones, asked for by state, in the order they are claimed in."""
    page = await client.list_jobs(
        state=query.state,
        queue=query.queue,
        task=query.task,
        enqueued_since=query.enqueued_since,
        enqueued_before=query.enqueued_before,
        after=place_of(query.cursor) if query.cursor else None,
        limit=query.limit,
    )
    items = [JobLine.model_validate(job) for job in page.jobs]
    return Page(items=items, next=cursor_of(page.next) if page.next else None)


@router.post(
    "/run-now",
    dependencies=[needs("admin")],
    responses=answers(400, 413),
    summary="Run scheduled jobs now",
)
async def run_now(chosen: ChosenJobs, client: TheClient) -> Ids:
    """Those put off, for later or for a retry. The answer names those that were."""
    return Ids(ids=await client.run_now([id_of(text) for text in chosen.ids]))


@router.post(
    "/reprioritise",
    dependencies=[needs("admin")],
    responses=answers(400, 413),
    summary="Move to another priority",
)
async def reprioritise(chosen: Reprioritised, client: TheClient) -> Ids:
    """Those that wait or are scheduled. The answer names those that were moved."""
    ids = [id_of(text) for text in chosen.ids]
    return Ids(ids=await client.reprioritise(ids, priority=chosen.priority))


def numbered(number: int, fields: JobFields) -> Job:
    """The job they tell; an error says which one of many it is."""
    try:
        return job_of(fields)
    except InvalidJob as error:
        raise type(error)(f"jobs.{number}: {error}") from error


@router.get("/{job_id}", dependencies=[needs("read")], responses=answers(404), summary="Look at a job")
async def get(
    job_id: AskedId,
    service: TheService,
    request: Request,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="Seconds to wait for its end.")
    ] = 0,
) -> JobAnswer:
    """Everything known of it. With `wait` the answer comes once it has ended, or then, as it is."""
    record = await service.wait(id_of(job_id), wait, is_gone=request.is_disconnected)
    return redacted(JobAnswer.model_validate(record), service.redact)


@router.post(
    "/{job_id}/cancel",
    dependencies=[needs("admin")],
    responses=answers(400, 404, 413),
    summary="Cancel a job",
)
async def cancel(job_id: AskedId, client: TheClient, why: Cancellation | None = None) -> Cancelled:
    """One that waits is cancelled at once, one that runs is told."""
    reason = why.reason if why else None
    return Cancelled.model_validate({"found": await client.cancel(id_of(job_id), reason=reason)})
