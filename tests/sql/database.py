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
    select
        jobs.id,
        (select count(*) from pgqueue.ready where ready.id = jobs.id) as ready,
        (select max(ready.attempt) from pgqueue.ready where ready.id = jobs.id) as spent,
        (
            select count(*)
            from pgqueue.claims
            cross join lateral unnest(claims.jobs, claims.attempts) as entry (job, attempt)
            where entry.job = jobs.id
                and not exists (
                    select from pgqueue.outcomes
                    where outcomes.job_id = entry.job and outcomes.attempt = entry.attempt
                )
        ) as held,
        (select count(*) from pgqueue.dead_letters where dead_letters.job_id = jobs.id) as dead,
        array(
            select outcomes.state from pgqueue.outcomes where outcomes.job_id = jobs.id order by attempt
        ) as states,
        array(
            select outcomes.attempt::integer from pgqueue.outcomes
            where outcomes.job_id = jobs.id order by attempt
        ) as attempts,
        (select state from pgqueue.job_states where job_states.id = jobs.id) as state
    from pgqueue.jobs
"""


class Database:
    """The two connections, and direct looks into the tables."""

    def __init__(self, dsn: str) -> None:
        options = "-c lock_timeout=2s"
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
        rows = self.sessions[0].run("select job_id from pgqueue.outcomes where state = 'cancelled'")
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
