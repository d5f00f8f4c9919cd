"""Two connections to one database, and looks into its tables past all our functions."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.sql.session import Clock, Row, Session

TABLES = """
    pgqueue.jobs, pgqueue.jobs_kept, pgqueue.ready, pgqueue.claims, pgqueue.outcomes, pgqueue.progress,
    pgqueue.dead_letters, pgqueue.cancellations, pgqueue.redrives, pgqueue.revisions, pgqueue.queues
"""
# One row a job: in which tables it is found, and how its attempts ended.
WHERE_ALL_JOBS_ARE = """
    with ready as (
        select id, count(*) as rows, max(attempt) as spent from pgqueue.waiting group by id
    ),
    held as (
        select held.job, count(*) as rows
        from pgqueue.held
        where not exists (
            select from pgqueue.attempts
            where attempts.job_id = held.job and attempts.attempt = held.attempt
        )
        group by held.job
    ),
    ended as (
        select
            job_id, array_agg(state::text order by attempt) as states,
            array_agg(attempt::integer order by attempt) as attempts
        from pgqueue.attempts
        group by job_id
    )
    select
        jobs.id, coalesce(ready.rows, 0) as ready, ready.spent, coalesce(held.rows, 0) as held,
        (select count(*) from pgqueue.dead_letters where dead_letters.job_id = jobs.id) as dead,
        coalesce(ended.states, '{}') as states, coalesce(ended.attempts, '{}') as attempts, told.state
    from pgqueue.bodies as jobs
    left join ready on ready.id = jobs.id
    left join held on held.job = jobs.id
    left join ended on ended.job_id = jobs.id
    left join pgqueue.states_of(array(select id from pgqueue.bodies)) as told on told.id = jobs.id
"""


class Database:
    """The two connections, and direct looks into the tables."""

    def __init__(self, dsn: str) -> None:
        options = "-c lock_timeout=2s -c jit=off"
        self.sessions = [Session(psycopg.connect(dsn, autocommit=True, options=options)) for _ in range(2)]
        self.clock = Clock(self.sessions[0])
        self.tally: Counter[str] = Counter()

    def empty(self) -> None:
        """Begin anew: one database serves all examples."""
        self.sessions[0].run(f"truncate {TABLES}")

    def jobs(self) -> list[Row]:
        """Where all jobs are."""
        return self.sessions[0].run(WHERE_ALL_JOBS_ARE)

    def expired_claims(self) -> set[int | None]:
        """The claims whose time is up."""
        rows = self.sessions[0].run("select id from pgqueue.claims where expires_at < pgqueue.now()")
        return {row.id for row in rows}

    def cancelled_outcomes(self) -> list[int]:
        """The jobs that ended cancelled."""
        rows = self.sessions[0].run("select job_id from pgqueue.attempts where state = 'cancelled'")
        return [row.job_id for row in rows]

    def close(self) -> None:
        """Close both."""
        for session in self.sessions:
            session.close()


@contextmanager
def outcome(session: Session, *, commits: bool) -> Iterator[None]:
    """A transaction that commits, or rolls back."""
    with session.transaction():
        yield
        if not commits:
            raise psycopg.Rollback
