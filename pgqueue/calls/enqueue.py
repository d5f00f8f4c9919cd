"""Enqueueing: jobs as the arrays that the SQL functions take."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from pgqueue.calls.call import Call, call, function, scalar
from pgqueue.errors import PayloadTooLarge
from pgqueue.job import Job

ENQUEUE = function(
    "enqueue",
    queue="text",
    task="text",
    payload="jsonb",
    priority="integer",
    max_attempts="integer",
    run_at="timestamptz",
    delay="interval",
    timeout="interval",
    headers="jsonb",
    keep_result="boolean",
    ring="boolean",
    installation="uuid",
)

ENQUEUE_MANY = function(
    "enqueue_many",
    queues="text[]",
    tasks="text[]",
    payloads="jsonb[]",
    priorities="integer[]",
    max_attempts="integer[]",
    run_ats="timestamptz[]",
    delays="interval[]",
    timeouts="interval[]",
    headers="jsonb[]",
    keep_results="boolean[]",
    ring="boolean",
    installation="uuid",
)


def enqueue(job: Job, *, ring: bool = True, installation: UUID | None = None) -> Call[int]:
    """Enqueue one job. Returns its id.

    ring: wake a sleeping worker; False where the transaction may not NOTIFY
    (two-phase commit), then the worker's slow poll finds the job.
    """
    values = {
        "queue": job.queue,
        "task": job.task,
        "payload": job.payload,
        "priority": job.priority,
        "max_attempts": job.max_attempts,
        "run_at": job.run_at,
        "delay": job.delay,
        "timeout": job.timeout,
        "headers": headers_json(job),
        "keep_result": job.keep_result,
        "ring": ring,
        "installation": installation,
    }
    return call(ENQUEUE, values, scalar)


def enqueue_many(
    jobs: Sequence[Job], *, ring: bool = True, installation: UUID | None = None
) -> Call[list[int]]:
    """Enqueue these jobs in one statement. Returns their ids, in order."""
    values = {
        "queues": column_of(jobs, lambda job: job.queue),
        "tasks": column_of(jobs, lambda job: job.task),
        "payloads": [job.payload for job in jobs],
        "priorities": column_of(jobs, lambda job: job.priority),
        "max_attempts": column_of(jobs, lambda job: job.max_attempts),
        "run_ats": column_of(jobs, lambda job: job.run_at),
        "delays": column_of(jobs, lambda job: job.delay),
        "timeouts": column_of(jobs, lambda job: job.timeout),
        "headers": column_of(jobs, headers_json),
        "keep_results": column_of(jobs, lambda job: job.keep_result),
        "ring": ring,
        "installation": installation,
    }
    return call(ENQUEUE_MANY, values, scalar)


def column_of(jobs: Sequence[Job], read: Callable[[Job], Any]) -> list[Any]:
    """One option of many jobs: a value each, or a single one where all are the same."""
    column = [read(job) for job in jobs]
    first = column[0]
    return [first] if column.count(first) == len(column) else column


def headers_json(job: Job) -> str | None:
    """The headers as JSON text."""
    return json.dumps(dict(job.headers)) if job.headers else None


def check_size(job: Job, limit_bytes: int) -> int:
    """The size of the job's payload in bytes. Raises PayloadTooLarge over the limit.

    Here the bytes of the JSON text count, before anything is sent. The server counts
    again, by its own limit, what jsonb makes of it: numbers and short values take more there.
    """
    size_bytes = len(job.payload) if job.payload.isascii() else len(job.payload.encode())
    if size_bytes > limit_bytes:
        raise PayloadTooLarge(
            f"the payload of task {job.task} is {size_bytes} bytes of JSON text, the limit is {limit_bytes}: "
            "store the data elsewhere and enqueue a reference"
        )
    return size_bytes
