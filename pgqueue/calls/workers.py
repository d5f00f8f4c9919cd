"""Who works here, and who is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pgqueue.calls.call import Call, Row, call, function, nothing, scalar

SETTLE_SESSION = function("settle_session", durable="boolean", silence="interval")
JOIN_WORKERS = function(
    "join_workers",
    worker="bigint",
    queues="text[]",
    host="text",
    process_id="integer",
    version="text",
    concurrency="integer",
    paused="boolean",
)
LEAVE_WORKERS = function("leave_workers", worker="bigint")
ABSENT_WORKERS = function("absent_workers", asking="bigint")
DISOWN = function("disown", worker="bigint", known="bigint[]")
STRIKE_WORKERS = function("strike_workers", workers="bigint[]")
PAUSE_WORKER = function("pause_worker", worker="bigint")
RESUME_WORKER = function("resume_worker", worker="bigint")
IS_PAUSED = function("is_paused", worker="bigint")
NEW_ID = function("new_id")
CHANNEL = function("channel")


def settle_session(*, durable: bool, silence: timedelta) -> Call[None]:
    """Set in this session what a worker relies on, whatever its role prefers.

    durable: whether commits wait for the disk. silence: after which the server ends the session.
    """
    return call(SETTLE_SESSION, {"durable": durable, "silence": silence}, nothing)


@dataclass(frozen=True, slots=True)
class Absence:
    """A worker whose session is gone.

    met_server: whether it had joined the server that runs now; if not, a
    restart cut it off, and it may be on its way back.
    """

    worker: int
    met_server: bool


def new_id() -> Call[int]:
    """A fresh id, for a worker."""
    return call(NEW_ID, {}, scalar)


def channel() -> Call[str]:
    """The channel to LISTEN on."""
    return call(CHANNEL, {}, scalar)


def join_workers(
    worker: int,
    *,
    queues: Sequence[str],
    host: str,
    process_id: int,
    version: str,
    concurrency: int,
    paused: bool = False,
) -> Call[bool]:
    """Be a living worker, for as long as this session lasts. False while an older session of ours lingers.

    paused: whether we were; forgotten, where our row was struck off meanwhile.
    """
    values = {
        "worker": worker,
        "queues": list(queues),
        "host": host,
        "process_id": process_id,
        "version": version,
        "concurrency": concurrency,
        "paused": paused,
    }
    return call(JOIN_WORKERS, values, scalar)


def leave_workers(worker: int) -> Call[None]:
    """Be one no more."""
    return call(LEAVE_WORKERS, {"worker": worker}, nothing)


def absent_workers(asking: int) -> Call[list[Absence]]:
    """The workers whose session is gone; the one asking is never among them."""
    return call(ABSENT_WORKERS, {"asking": asking}, absences)


def disown(worker: int, known: Sequence[int]) -> Call[int]:
    """Hand back what we claimed without learning of it: all but the known claims. Returns how many jobs."""
    return call(DISOWN, {"worker": worker, "known": list(known)}, scalar)


def strike_workers(workers: Sequence[int]) -> Call[None]:
    """Strike dead workers off the list."""
    return call(STRIKE_WORKERS, {"workers": list(workers)}, nothing)


def pause_worker(worker: int) -> Call[bool]:
    """Let the worker take no new job. Returns whether there is one of that id."""
    return call(PAUSE_WORKER, {"worker": worker}, scalar)


def resume_worker(worker: int) -> Call[bool]:
    """Let it take jobs again. Returns whether there is one of that id."""
    return call(RESUME_WORKER, {"worker": worker}, scalar)


def is_paused(worker: int) -> Call[bool]:
    """Whether the worker is to take no new job."""
    return call(IS_PAUSED, {"worker": worker}, scalar)


def absences(rows: Sequence[Row]) -> list[Absence]:
    """One a row."""
    return [Absence(row[0], row[1]) for row in rows]
