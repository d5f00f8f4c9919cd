"""SAQ 0.26 on PostgreSQL, through psycopg.

Delivery: at least once for jobs that have retries (they have one attempt here, as by default), by a sweep.
History: a finished job's row stays for ten minutes.
Durability: as the server's, at every step; a worker writes three statements per job.
Transactional enqueue: no; `enqueue` takes a connection of its own pool.
The body is JSON, not validated.

Settings: a worker claims as many jobs in a statement as it has slots free, and updates each by a statement of
its own, so `concurrency` and the pool are as large as was quickest; no timeout per job. There is no bulk
insert: many calls of `enqueue` at once, over the whole pool.
"""

import asyncio

import uvloop
from psycopg_pool import AsyncConnectionPool
from saq import Job, Worker
from saq.queue.postgres import PostgresQueue

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

ENQUEUE_AT_ONCE = 20
CONCURRENCY = 50
CONNECTIONS = 20
UNFINISHED = "select count(*) from saq_jobs where status <> 'complete'"


async def noop(_context: object, *, text: str) -> None:  # noqa: ARG001 - the body is carried, not read
    """Nothing: what is left is the queue's own cost."""
    count_one()


async def stamp(_context: object) -> None:
    """Tell the harness."""
    tell_start()


class SaqQueue:
    """See the module."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def _open(self) -> PostgresQueue:
        pool = AsyncConnectionPool(self._dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, open=False)
        return PostgresQueue(pool, min_size=CONNECTIONS, max_size=CONNECTIONS, manage_pool_lifecycle=True)

    async def install(self) -> None:
        """Its schema comes with the first connection."""
        self._queue = self._open()
        await self._queue.connect()

    async def enqueue(self, jobs: int) -> None:
        """So many calls at a time."""
        shares = [range(start, jobs, ENQUEUE_AT_ONCE) for start in range(ENQUEUE_AT_ONCE)]
        await asyncio.gather(*(self._enqueue_share(len(share)) for share in shares))

    async def _enqueue_share(self, jobs: int) -> None:
        for _ in range(jobs):
            await self._queue.enqueue(Job("noop", kwargs={"text": BODY_TEXT}, timeout=0))

    async def send(self) -> None:
        """One call."""
        await self._queue.enqueue("stamp")

    async def unfinished(self) -> int:
        """By the status of each job."""
        async with self._queue.pool.connection() as connection:
            row = await (await connection.execute(UNFINISHED)).fetchone()
        return int(row[0])

    async def work(self) -> None:
        """As the command `saq` would."""
        queue = self._open()
        await queue.connect()
        await Worker(queue, [noop, stamp], concurrency=CONCURRENCY).start()


if __name__ == "__main__":
    main(SaqQueue, loop_factory=uvloop.new_event_loop)
