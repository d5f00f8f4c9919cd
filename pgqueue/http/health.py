"""/health: for whoever restarts us or sends us requests. Anybody may ask, so it tells next to nothing."""

import logging

import psycopg
from fastapi import APIRouter
from starlette.exceptions import HTTPException

from pgqueue.errors import PgQueueError
from pgqueue.http.models import Health
from pgqueue.http.problems import answers
from pgqueue.http.service import TheService

log = logging.getLogger("pgqueue.http")

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", summary="Whether it runs")
async def live() -> Health:
    """It answers; the database is not asked."""
    return Health(status="alive")


@router.get("/ready", responses=answers(503), summary="Whether it can serve")
async def ready(service: TheService) -> Health:
    """The database answers, and its schema fits; not once it stops."""
    if service.closing.is_set():
        raise HTTPException(503, "it is stopping")
    try:
        await service.check.get()
    except (PgQueueError, psycopg.Error, TimeoutError) as error:
        log.warning("not ready: %s: %s", type(error).__name__, " ".join(str(error).split()))
        raise HTTPException(503, "the database does not answer, or its schema does not fit") from error
    return Health(status="ready")
