"""pgqueue through its public client; it must never do inside a measured call what a user could not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from benchmarks.databases import with_options
from benchmarks.payload import BODY_TEXT
from benchmarks.rows import Durability
from benchmarks.tasks import QUEUE, counted, due, hold, noop, stamp
from pgqueue import Client, Lease
from pgqueue.migrate import upgrade

BODY = f'{{"text": "{BODY_TEXT}"}}'
SESSION_OPTIONS: dict[Durability, str] = {
    "fsync": "",
    "fsync-enqueue": "",
    "everysec": "-c synchronous_commit=off",
}
WAITING = """
select
    (select coalesce(sum(size), 0) from pgqueue.ready)
    + (select count(*) from pgqueue.held)
"""
ENDED = "select count(distinct job_id) from pgqueue.attempts where state = 'succeeded'"
FILL = """
select pgqueue.enqueue_many(
    queues => array[%s],
    tasks => array[%s],
    delays => array[%s::interval],
    payloads => array_fill(%s::jsonb, array[%s::integer])
)
"""
IS_DRAINED = """
select
    not exists (select from pgqueue.claims)
    and not exists (select from pgqueue.ready)
"""


class PgQueue:
    """Jobs in Postgres, through the blocking client.

    Delivery: at least once, under a lease with a fencing token.
    History: kept, one outcome per attempt.
    Durability: at `fsync` what was enqueued and what was finished survives a power cut (synchronous_commit
    on); a claim need not, it would only be made again. At `fsync-enqueue` jobs finished in the last moments
    may run again, too (durable_finishes=False); `everysec` may lose the last fraction of a second
    (synchronous_commit off). There is no `memory`.
    Transactional enqueue: yes, with the caller's own SQL.
    Payloads are validated and serialised for every job; retries, delays and priorities are on.
    """

    name = "pgqueue"

    def __init__(self, dsn: str, durability: Durability, *, is_counted: bool = False) -> None:
        """is_counted: a worker's handlers are to count themselves (see Tally)."""
        self._task = counted if is_counted else noop
        self._text = BODY_TEXT
        self.durability = durability
        self.dsn = with_options(dsn, SESSION_OPTIONS[durability])
        self._client = Client(self.dsn, durable_finishes=durability != "fsync-enqueue")
        # Looks on from outside, never inside the measured calls.
        self._observer = psycopg.connect(dsn, autocommit=True)

    @staticmethod
    def install(dsn: str) -> None:
        """Install pgqueue."""
        upgrade(dsn)

    def enqueue(self, batch: int) -> None:
        """One `enqueue`, or one `enqueue_many` for the whole batch."""
        if batch == 1:
            self._client.enqueue(self._task.job(text=self._text))
        else:
            self.enqueue_many(batch)

    def enqueue_many(self, count: int) -> None:
        """That many jobs in one call, from a generator."""
        self._client.enqueue_many(self._task.job(text=self._text) for _ in range(count))

    def carry(self, text: str) -> None:
        """The text of every job from now on; ASCII. `fill` keeps the usual one."""
        self._text = text

    def enqueue_stamp(self) -> None:
        """One job whose handler reports the moment it starts."""
        self._client.enqueue(stamp.job())

    def enqueue_due(self, jobs: Sequence[tuple[int, int]]) -> None:
        """Jobs by number and the moment they are due; their handler tells both and when it starts."""
        if len(jobs) == 1:
            self._client.enqueue(due.job(*jobs[0]))
        else:
            self._client.enqueue_many(due.job(number, due_ns) for number, due_ns in jobs)

    def fill(self, count: int, *, delay: str = "0") -> None:
        """That many jobs, due after that interval, made inside the server: for filling, not for measuring."""
        self._observer.execute(FILL, (QUEUE, self._task.name, delay, BODY, count))

    def enqueue_hold(self, number: int, release: Path) -> None:
        """One job that keeps its slot until that file exists."""
        self._client.enqueue(hold.job(number=number, release=str(release)))

    def claim(self, batch: int) -> Lease:
        """Claim a batch under a lease."""
        return self._client.claim(QUEUE, limit=batch)

    def finish(self, claimed: Lease) -> None:
        """Finish it whole."""
        self._client.finish_all(claimed)

    def consume(self, batch: int) -> int:
        """Claim a batch under a lease, finish it whole."""
        lease = self.claim(batch)
        self.finish(lease)
        return len(lease)

    def waiting(self) -> int:
        """Jobs ready or claimed."""
        return int(self._ask(WAITING))

    def ended(self) -> int:
        """Jobs that succeeded."""
        return int(self._ask(ENDED))

    def is_drained(self) -> bool:
        """Whether every job is finished; cheap enough to ask while a worker runs."""
        return bool(self._ask(IS_DRAINED))

    def log_bytes(self) -> int:
        """What was written to the log so far, by all of the server's databases."""
        return int(self._ask("select pg_current_wal_insert_lsn() - '0/0'"))

    def _ask(self, statement: LiteralString) -> Any:
        row = self._observer.execute(statement).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Leave the server."""
        self._observer.close()
        self._client.close()
