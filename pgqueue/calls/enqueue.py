"""Enqueueing: jobs as the arrays that the SQL functions take."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pgqueue.calls.call import Call, call, function, scalar
from pgqueue.errors import PayloadTooLarge
from pgqueue.job import Job, Options

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
        "headers": headers_json(job.headers),
        "keep_result": job.keep_result,
        "ring": ring,
        "installation": installation,
    }
    return call(ENQUEUE, values, scalar)


def enqueue_many(
    jobs: Sequence[Job], *, ring: bool = True, installation: UUID | None = None
) -> Call[list[int]]:
    """Enqueue these jobs in one statement. Returns their ids, in order."""
    columns = dict(zip(Options._fields, zip(*jobs, strict=True), strict=True))
    values = {
        "queues": spread(columns["queue"]),
        "tasks": spread(columns["task"]),
        "payloads": list(columns["payload"]),
        "priorities": spread(columns["priority"]),
        "max_attempts": spread(columns["max_attempts"]),
        "run_ats": spread(columns["run_at"]),
        "delays": spread(columns["delay"]),
        "timeouts": spread(columns["timeout"]),
        "headers": [headers_json(headers) for headers in spread(columns["headers"])],
        "keep_results": spread(columns["keep_result"]),
        "ring": ring,
        "installation": installation,
    }
    return call(ENQUEUE_MANY, values, scalar)


def spread(column: Sequence[Any]) -> list[Any]:
    """One option of many jobs: a value each, or a single one where all are the same."""
    first = column[0]
    return [first] if column.count(first) == len(column) else list(column)


def headers_json(headers: Mapping[str, str] | None) -> str | None:
    """The headers as JSON text."""
    return json.dumps(dict(headers)) if headers else None


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
