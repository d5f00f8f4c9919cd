"""A long transaction, what dies under it, and what statements then cost, in buffers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.sql.session import Session

MANY_CLAIMS = """
    with made as (
        insert into pgqueue.claims
            (id, claimed_at, expires_at, worker, jobs, sizes, attempts, last_attempts, priorities)
        select
            pgqueue.next_id(moment), moment, moment + %(lease)s::interval, %(worker)s,
            array[number::bigint], '{1}', '{1}', '{5}', '{5}'
        from generate_series(1, %(count)s) as number
        cross join lateral (
            select pgqueue.now() - %(ago)s::interval + number * interval '1 millisecond' as moment
        ) as spread
        returning id
    )
    select count(*) from made
"""
MANY_OUTCOMES = """
    insert into pgqueue.outcomes (job_id, claim_id, claimed_at, finished_at, worker, attempt, size, state)
    select
        pgqueue.next_id(moment), pgqueue.next_id(moment), moment, moment, 7, 1, 1, 'succeeded'
    from generate_series(1, %(count)s) as number
    cross join lateral (
        select pgqueue.now() - interval '1 minute' + number * interval '1 millisecond' as moment
    ) as spread
"""


@contextmanager
def pinned(dsn: str) -> Iterator[None]:
    """While this is open, nothing that dies can be cleared away, nor be marked as dead in an index."""
    with psycopg.connect(dsn) as connection:
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("select count(*) from pgqueue.queues")
        yield
        connection.rollback()


def cost(session: Session, statement: str, *values: Any) -> int:
    """The buffers touched by a statement and all it calls, once it is known; what it did is rolled back."""
    once(session, statement, *values)
    return once(session, statement, *values)


def once(session: Session, statement: str, *values: Any) -> int:
    """The buffers touched, those of the catalog included where a session runs it for the first time."""
    with session.transaction():
        rows = session.run(f"explain (analyze, buffers, timing off, format json) {statement}", *values)
        raise psycopg.Rollback
    plan = rows[0][0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def kill_claims(session: Session, count: int, *, ago: str, lease: str = "1 minute", worker: int = 7) -> None:
    """So many claims made, beginning that long ago, and finished."""
    session.run(MANY_CLAIMS, {"count": count, "ago": ago, "lease": lease, "worker": worker})
    session.run("delete from pgqueue.claims where worker = %s", worker)


def end_many(session: Session, count: int) -> None:
    """A history of so many jobs that have ended."""
    session.run(MANY_OUTCOMES, {"count": count})
