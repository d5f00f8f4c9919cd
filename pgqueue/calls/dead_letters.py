"""Dead letters: listing them, putting them back, deleting them."""

from collections.abc import Sequence
from datetime import datetime

from pgqueue.calls.call import Call, Row, call, column, function
from pgqueue.calls.jobs import attempts_of, parsed
from pgqueue.delivery import utc
from pgqueue.record import DeadLetter, DeadPlace

LIST_DEAD = function(
    "list_dead",
    queue="text",
    task="text",
    error_type="text",
    died_since="timestamptz",
    died_before="timestamptz",
    before_job="bigint",
    max_letters="integer",
    brief="boolean",
).answering(
    job_id="bigint",
    died_at="timestamptz",
    timeout="interval",
    attempt="smallint",
    max_attempts="smallint",
    priority="smallint",
    keep_result="boolean",
    queue="text",
    task="text",
    payload="jsonb",
    headers="jsonb",
    error="jsonb",
    history="jsonb",
)
REDRIVE = function("redrive", jobs="bigint[]")
PURGE = function("purge", jobs="bigint[]")


def list_dead(
    *,
    queue: str | None = None,
    task: str | None = None,
    error_type: str | None = None,
    died_since: datetime | None = None,
    died_before: datetime | None = None,
    before: DeadLetter | DeadPlace | None = None,
    limit: int = 100,
    brief: bool = False,
) -> Call[list[DeadLetter]]:
    """The dead letters that fit every filter, newest first; `before` is the last one of the page before.

    brief: payload, headers and attempts are left empty, and are not read.
    """
    values = {
        "queue": queue,
        "task": task,
        "error_type": error_type,
        "died_since": died_since,
        "died_before": before.died_at if before else died_before,
        "before_job": before.id if before else None,
        "max_letters": limit,
        "brief": brief,
    }
    return call(LIST_DEAD, values, lambda rows: [letter_of(row) for row in rows])


def redrive(jobs: Sequence[int]) -> Call[list[int]]:
    """Put these dead jobs back, with as many attempts as they first had. Returns those that were dead."""
    return call(REDRIVE, {"jobs": list(jobs)}, column)


def purge(jobs: Sequence[int]) -> Call[list[int]]:
    """Delete these dead letters for good. Returns those that were there."""
    return call(PURGE, {"jobs": list(jobs)}, column)


def letter_of(row: Row) -> DeadLetter:
    """The dead letter a row of the table is, column by column."""
    return DeadLetter(
        id=row[0],
        died_at=utc(row[1]),
        attempt=row[3],
        max_attempts=row[4],
        priority=row[5],
        queue=row[7],
        task=row[8],
        payload=parsed(row[9]),
        headers=parsed(row[10]),
        error=parsed(row[11]),
        attempts=attempts_of(row[12]),
    )
