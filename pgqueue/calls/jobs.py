"""Looking at jobs, listing, cancelling and moving them, and hearing of their progress."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pgqueue.calls.call import Call, Row, call, column, function, nothing, scalar
from pgqueue.delivery import utc
from pgqueue.errors import UnknownJob
from pgqueue.record import Attempt, JobPage, JobRecord, JobSummary, State

GET_JOB = function("get_job", job="bigint").answering(
    id="bigint",
    queue="text",
    task="text",
    state="text",
    attempt="smallint",
    max_attempts="smallint",
    priority="smallint",
    enqueued_at="timestamptz",
    run_at="timestamptz",
    claimed_at="timestamptz",
    expires_at="timestamptz",
    worker="bigint",
    finished_at="timestamptz",
    payload="jsonb",
    headers="jsonb",
    result="jsonb",
    error="jsonb",
    history="jsonb",
    fraction="real",
    note="text",
)
LIST_JOBS = function(
    "list_jobs",
    in_state="text",
    in_queue="text",
    of_task="text",
    enqueued_since="timestamptz",
    enqueued_before="timestamptz",
    after="text",
    max_jobs="integer",
).answering(
    id="bigint",
    queue="text",
    task="text",
    state="text",
    attempt="smallint",
    max_attempts="smallint",
    priority="smallint",
    enqueued_at="timestamptz",
    run_at="timestamptz",
    claimed_at="timestamptz",
    expires_at="timestamptz",
    worker="bigint",
    finished_at="timestamptz",
    next_page="text",
)
CANCEL = function("cancel", job="bigint", reason="text")
RUN_NOW = function("run_now", jobs="bigint[]")
REPRIORITISE = function("reprioritise", jobs="bigint[]", priority="integer")
REPORT_PROGRESS = function(
    "report_progress", jobs="bigint[]", attempts="integer[]", fractions="real[]", notes="text[]"
)


def get_job(job: int) -> Call[JobRecord | None]:
    """Everything known of one job, or None."""
    return call(GET_JOB, {"job": job}, lambda rows: record_of(rows[0]) if rows else None)


def list_jobs(
    *,
    state: State | None = None,
    queue: str | None = None,
    task: str | None = None,
    enqueued_since: datetime | None = None,
    enqueued_before: datetime | None = None,
    after: str | None = None,
    limit: int = 100,
) -> Call[JobPage]:
    """The jobs that fit every filter, a page of at most `limit`; `after` is the `next` of the one before."""
    values = {
        "in_state": state,
        "in_queue": queue,
        "of_task": task,
        "enqueued_since": enqueued_since,
        "enqueued_before": enqueued_before,
        "after": after,
        "max_jobs": limit,
    }
    return call(LIST_JOBS, values, page_of)


def cancel(job: int, reason: str | None = None) -> Call[str]:
    """Ask that the job be run no more. Returns the state it was found in. Raises UnknownJob."""
    return call(CANCEL, {"job": job, "reason": reason}, scalar)


def run_now(jobs: Sequence[int]) -> Call[list[int]]:
    """Make these jobs due at once. Returns those that were put off."""
    return call(RUN_NOW, {"jobs": list(jobs)}, column)


def reprioritise(jobs: Sequence[int], priority: int) -> Call[list[int]]:
    """Give these waiting jobs another priority. Returns those that were moved. Raises InvalidJob."""
    return call(REPRIORITISE, {"jobs": list(jobs), "priority": priority}, column)


def report_progress(reports: Sequence[tuple[int, int, float, str | None]]) -> Call[None]:
    """Append what running jobs say of themselves: (job, attempt, fraction, note) each."""
    jobs, attempts, fractions, notes = (list(part) for part in zip(*reports, strict=True))
    values = {"jobs": jobs, "attempts": attempts, "fractions": fractions, "notes": notes}
    return call(REPORT_PROGRESS, values, nothing)


def record_of(row: Row) -> JobRecord:
    """The record a row of get_job tells."""
    return JobRecord(
        id=row[0],
        queue=row[1],
        task=row[2],
        state=row[3],
        attempt=row[4],
        max_attempts=row[5],
        priority=row[6],
        enqueued_at=utc(row[7]),
        run_at=moment(row[8]),
        claimed_at=moment(row[9]),
        expires_at=moment(row[10]),
        worker=row[11],
        finished_at=moment(row[12]),
        payload=parsed(row[13]),
        headers=parsed(row[14]),
        result=parsed(row[15]),
        error=parsed(row[16]),
        attempts=attempts_of(row[17]),
        progress=row[18],
        note=row[19],
    )


def page_of(rows: Sequence[Row]) -> JobPage:
    """The page that rows of list_jobs tell; one without an id says where the next begins."""
    follows = rows[-1][13] if rows and rows[-1][0] is None else None
    return JobPage(tuple(summary_of(row) for row in rows if row[0] is not None), follows)


def summary_of(row: Row) -> JobSummary:
    """One job of a list."""
    return JobSummary(
        id=row[0],
        queue=row[1],
        task=row[2],
        state=row[3],
        attempt=row[4],
        max_attempts=row[5],
        priority=row[6],
        enqueued_at=utc(row[7]),
        run_at=moment(row[8]),
        claimed_at=moment(row[9]),
        expires_at=moment(row[10]),
        worker=row[11],
        finished_at=moment(row[12]),
    )


def attempts_of(history: Any) -> tuple[Attempt, ...]:
    """The attempts a history tells, oldest first."""
    return tuple(
        Attempt(
            number=entry["attempt"],
            state=entry["state"],
            claimed_at=datetime.fromisoformat(entry["claimed_at"]),
            finished_at=datetime.fromisoformat(entry["finished_at"]),
            worker=int(entry["worker"]) if entry["worker"] else None,
            run_seconds=entry["run_seconds"],
            error=entry["error"],
        )
        for entry in parsed(history)
    )


def moment(value: datetime | None) -> datetime | None:
    """The moment in UTC, if there is one."""
    return utc(value) if value is not None else None


def parsed(value: str | None) -> Any:
    """A jsonb value as Python's; every driver gives its text.

    The text itself where Python cannot read it: other languages may have written it,
    nested too deep or with numbers too long.
    """
    try:
        return json.loads(value) if value is not None else None
    except (RecursionError, ValueError):
        return value


def known(job: int, record: JobRecord | None) -> JobRecord:
    """The record. Raises UnknownJob if there is none."""
    if record is None:
        raise UnknownJob(f"there is no job {job}: it never was, or its history is dropped")
    return record
