"""Who works here, and how sleepers are woken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pgqueue.calls.call import Call, Row, call, function, nothing, scalar
from pgqueue.delivery import utc

JOIN_WORKERS = function(
    "join_workers", worker="bigint", queues="text[]", host="text", process_id="integer", version="text"
)
LEAVE_WORKERS = function("leave_workers", worker="bigint")
ABSENT_WORKERS = function("absent_workers", asking="bigint")
TAKE_WATCH = function("take_watch", queue="text")
LEAVE_WATCH = function("leave_watch", queue="text")
ARM = function("arm", queue="text")
DISARM = function("disarm", queue="text")
NEXT_DUE = function("next_due", queues="text[]")
NEW_ID = function("new_id")
CHANNEL = function("channel")


@dataclass(frozen=True, slots=True)
class Absence:
    """A worker whose session is gone, and when the server it was connected to last started."""

    worker: int
    server_started_at: datetime


def new_id() -> Call[int]:
    """A fresh id, for a worker."""
    return call(NEW_ID, {}, scalar)


def channel() -> Call[str]:
    """The channel to LISTEN on."""
    return call(CHANNEL, {}, scalar)


def join_workers(
    worker: int, *, queues: Sequence[str], host: str, process_id: int, version: str
) -> Call[bool]:
    """Be a living worker, for as long as this session lasts. False while an older session of ours lingers."""
    values = {
        "worker": worker,
        "queues": list(queues),
        "host": host,
        "process_id": process_id,
        "version": version,
    }
    return call(JOIN_WORKERS, values, scalar)


def leave_workers(worker: int) -> Call[None]:
    """Be one no more."""
    return call(LEAVE_WORKERS, {"worker": worker}, nothing)


def absent_workers(asking: int) -> Call[list[Absence]]:
    """The workers whose session is gone; the one asking is never among them."""
    return call(ABSENT_WORKERS, {"asking": asking}, absences)


def take_watch(queue: str) -> Call[bool]:
    """Try to be the one idle worker that keeps watch over the queue."""
    return call(TAKE_WATCH, {"queue": queue}, scalar)


def leave_watch(queue: str) -> Call[None]:
    """Give the watch up and tell the other sleepers."""
    return call(LEAVE_WATCH, {"queue": queue}, nothing)


def arm(queue: str) -> Call[bool]:
    """Try to hold the bell, so that the next enqueue rings. False while an enqueue is in flight."""
    return call(ARM, {"queue": queue}, scalar)


def disarm(queue: str) -> Call[None]:
    """Let the bell go: enqueues need not ring."""
    return call(DISARM, {"queue": queue}, nothing)


def next_due(queues: Sequence[str]) -> Call[timedelta | None]:
    """How long until something falls due: a scheduled job, or a lease."""
    return call(NEXT_DUE, {"queues": list(queues)}, scalar)


def absences(rows: Sequence[Row]) -> list[Absence]:
    """One a row."""
    return [Absence(row[0], utc(row[1])) for row in rows]
