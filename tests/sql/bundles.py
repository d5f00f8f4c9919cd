"""Looks at bundles, row by row and job by job; it must never change one, but for windows it drops."""

import json
from collections import Counter
from typing import Any

from tests.sql.session import Row, Session

FEW = 10
PIECES = "select id, size, attempt, last_attempt, priority from pgqueue.ready order by visible_at, id"


def ids_of(rows: list[Row]) -> list[int]:
    return [row.job for row in rows]


def pieces(session: Session) -> list[tuple[int, int]]:
    """What waits, row by row: the first job and how many there are."""
    return [(row.id, row.size) for row in session.run(PIECES)]


def waiting(session: Session) -> list[int]:
    """What waits, job by job."""
    return [row.id for row in session.run("select id from pgqueue.waiting order by visible_at, id")]


def numbers(rows: list[Row]) -> list[int]:
    """The numbers in the payloads of claimed jobs."""
    return [json.loads(row.payload)["number"] for row in rows]


def ends(session: Session, job: int) -> list[tuple[int, str, float | None]]:
    """Attempt, state and run time of every outcome of a job, oldest first."""
    rows = session.run(
        "select attempt, state, run_seconds from pgqueue.attempts where job_id = %s order by attempt", job
    )
    return [(row.attempt, row.state, row.run_seconds) for row in rows]


def successes(session: Session) -> Counter[int]:
    """How often each job has succeeded."""
    rows = session.run("select job_id from pgqueue.attempts where state = 'succeeded'")
    return Counter(row.job_id for row in rows)


def pages(session: Session, size: int, **filters: Any) -> list[int]:
    """The jobs of all pages, in order."""
    found: list[int] = []
    after = None
    while True:
        rows = session.call("list_jobs", max_jobs=size, after=after, **filters)
        found += [row.id for row in rows if row.id is not None]
        if not rows or rows[-1].id is not None:
            return found
        after = rows[-1].next_page


def drop_all(session: Session) -> None:
    for window in session.call("past_windows"):
        session.call("drop_window", parent=window.parent, name=window.name, carry=3)
        while session.call("drop_window", parent=window.parent, name=window.name, carry=3)[0][0] == "carried":
            pass
