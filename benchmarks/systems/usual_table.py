"""The usual design in Postgres, for comparison; it must never be given less than its honest best."""

from typing import Any

import psycopg

from benchmarks.payload import BODY_TEXT
from benchmarks.rows import Durability

BODY = f'{{"text": "{BODY_TEXT}"}}'
# Narrow index of what waits, room for updates on the page, vacuumed early and without pauses.
MAKE = """
create table jobs (
    id bigint generated always as identity primary key,
    run_at timestamptz not null default now(),
    locked_until timestamptz,
    priority smallint not null default 5,
    attempt smallint not null default 0,
    status text not null default 'waiting',
    queue text not null default 'bench',
    payload jsonb not null
)
with (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
create index jobs_waiting on jobs (queue, priority, run_at, id) where status = 'waiting';
"""
ENQUEUE = "insert into jobs (payload) values (%s)"
ENQUEUE_MANY = """
insert into jobs (payload, run_at)
select %s::jsonb, now() + %s::interval
from generate_series(1, %s)
"""
CLAIM = """
update jobs
set status = 'running', attempt = attempt + 1, locked_until = now() + interval '1 minute'
where id = any (array(
    select id
    from jobs
    where queue = 'bench'
        and status = 'waiting'
        and run_at <= now()
    order by priority, run_at, id
    limit %s
    for update skip locked
))
returning id, payload
"""
FINISH = "delete from jobs where id = any (%s)"
WAITING = "select count(*) from jobs"


class UsualTable:
    """One table with a status column: UPDATE on claim, DELETE on ack, a partial index, SKIP LOCKED, batches.

    Delivery: at least once, if somebody resets what was locked for too long (not measured).
    History: none, a finished job is deleted.
    Durability: `fsync` survives a power cut (synchronous_commit on) at every step.
    Transactional enqueue: yes.
    Less work than a job queue's: no retries, dead letters, wakeups or fencing; the body is not validated.
    """

    name = "usual-table"

    def __init__(self, dsn: str, durability: Durability) -> None:
        self.durability = durability
        self.dsn = dsn
        self._connection: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True)

    @staticmethod
    def install(dsn: str) -> None:
        """Make the table."""
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(MAKE)

    def enqueue(self, batch: int) -> None:
        """One insert for the whole batch."""
        if batch == 1:
            self._connection.execute(ENQUEUE, (BODY,))
        else:
            self.fill(batch)

    def fill(self, count: int, *, delay: str = "0") -> None:
        """That many jobs, due after that interval."""
        self._connection.execute(ENQUEUE_MANY, (BODY, delay, count))

    def claim(self, batch: int) -> list[int]:
        """Mark up to that many jobs as running; returns their ids."""
        return [row[0] for row in self._connection.execute(CLAIM, (batch,)).fetchall()]

    def finish(self, claimed: list[int]) -> None:
        """Delete them."""
        self._connection.execute(FINISH, (claimed,))

    def consume(self, batch: int) -> int:
        """Claim a batch, finish it whole."""
        claimed = self.claim(batch)
        if claimed:
            self.finish(claimed)
        return len(claimed)

    def waiting(self) -> int:
        """Jobs waiting or running."""
        row = self._connection.execute(WAITING).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()
