"""/v1/queues, /v1/workers, /v1/stats, /v1/activity: what there is and goes on, sampled for all at once."""

from fastapi import APIRouter
from starlette.exceptions import HTTPException

from pgqueue.http.models import (
    ActivityAnswer,
    ChosenQueue,
    ChosenWorker,
    QueueAnswer,
    StatsAnswer,
    WorkerAnswer,
    id_of,
)
from pgqueue.http.problems import answers
from pgqueue.http.service import TheClient, TheService, needs

router = APIRouter(prefix="/v1", tags=["installation"])


@router.get("/queues", dependencies=[needs("read")], summary="List queues")
async def queues(service: TheService) -> list[QueueAnswer]:
    """Each queue and what it holds."""
    stats = await service.stats.get()
    return [QueueAnswer.model_validate(queue) for queue in stats.queues]


# A queue's name may hold a slash, and so stands in no path.
@router.post(
    "/queues/pause",
    status_code=204,
    dependencies=[needs("admin")],
    responses=answers(400, 413),
    summary="Pause a queue",
)
async def pause(chosen: ChosenQueue, client: TheClient) -> None:
    """It gives out no more jobs; it still takes them, and what runs goes on."""
    await client.pause(chosen.queue)


@router.post(
    "/queues/resume",
    status_code=204,
    dependencies=[needs("admin")],
    responses=answers(400, 413),
    summary="Resume a queue",
)
async def resume(chosen: ChosenQueue, client: TheClient) -> None:
    """It gives out jobs again."""
    await client.resume(chosen.queue)


@router.get("/workers", dependencies=[needs("read")], summary="List workers")
async def workers(service: TheService) -> list[WorkerAnswer]:
    """Who works here, the longest at work first."""
    stats = await service.stats.get()
    return [WorkerAnswer.model_validate(worker) for worker in stats.workers]


@router.post(
    "/workers/pause",
    status_code=204,
    dependencies=[needs("admin")],
    responses=answers(400, 404, 413),
    summary="Pause a worker",
)
async def pause_worker(chosen: ChosenWorker, client: TheClient) -> None:
    """It takes no new job, within ten seconds; what it runs goes on."""
    check_found(await client.pause_worker(id_of(chosen.worker)))


@router.post(
    "/workers/resume",
    status_code=204,
    dependencies=[needs("admin")],
    responses=answers(400, 404, 413),
    summary="Resume a worker",
)
async def resume_worker(chosen: ChosenWorker, client: TheClient) -> None:
    """It takes jobs again."""
    check_found(await client.resume_worker(id_of(chosen.worker)))


def check_found(found: bool) -> None:  # noqa: FBT001 - it is what was found
    """Raise unless there is such a worker."""
    if not found:
        raise HTTPException(404, "there is no worker of this id: see /v1/workers")


@router.get("/stats", dependencies=[needs("read")], summary="Sample the installation")
async def stats(service: TheService) -> StatsAnswer:
    """Queues, workers, tables, and who keeps vacuum from clearing up."""
    return StatsAnswer.model_validate(await service.stats.get())


@router.get("/activity", dependencies=[needs("read")], summary="See what went on lately")
async def activity(service: TheService) -> ActivityAnswer:
    """How the attempts of the last minute ended, how long they ran, how fast jobs come."""
    return ActivityAnswer.model_validate(await service.activity.get())
