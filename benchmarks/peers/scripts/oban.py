"""Oban for Python 0.7, through psycopg.

Delivery: at least once, by rescuing what workers that are gone left behind.
History: kept for a day, each job's row with its state and errors.
Durability: as the server's, at every step; a worker claims in batches and writes the outcomes of several jobs
in one transaction, a statement each.
Transactional enqueue: yes, on a psycopg or SQLAlchemy connection of the application's own.
The body is JSON, not validated.

Settings: a queue's limit, which is also its batch, as large as was quickest; uvloop, which its command uses.
Bulk insert: `enqueue_many`, one statement.
"""

import asyncio
from typing import Any

import uvloop
from oban import Oban, worker
from oban.schema import install

from benchmarks.payload import BODY_TEXT
from benchmarks.peers.protocol import main, tell_start
from benchmarks.tally import count_one

QUEUE = "bench"
ENQUEUE_BATCH = 5_000
LIMIT = 100
UNFINISHED = "select count(*) from oban_jobs where state <> 'completed'"


class Noop:
    """A job that does nothing."""

    async def process(self, _job: object) -> None:
        """What is left is the queue's own cost."""
        count_one()


class Stamp:
    """A job that tells the harness."""

    async def process(self, _job: object) -> None:
        """First of all."""
        tell_start()


NOOP: Any = worker(queue=QUEUE)(Noop)
STAMP: Any = worker(queue=QUEUE)(Stamp)


class ObanQueue:
    """See the module."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def install(self) -> None:
        """Its schema."""
        self._pool = await Oban.create_pool(self._dsn)
        await install(self._pool)
        self._oban = Oban(pool=self._pool)

    async def enqueue(self, jobs: int) -> None:
        """A statement per batch."""
        for start in range(0, jobs, ENQUEUE_BATCH):
            size = min(ENQUEUE_BATCH, jobs - start)
            await self._oban.enqueue_many(NOOP.new({"text": BODY_TEXT}) for _ in range(size))

    async def send(self) -> None:
        """One statement, and a notification."""
        await self._oban.enqueue(STAMP.new())

    async def unfinished(self) -> int:
        """By the state of each job."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(UNFINISHED)).fetchone()
        return int(row[0])

    async def work(self) -> None:
        """As the command `oban start` would."""
        async with Oban(pool=await Oban.create_pool(self._dsn), queues={QUEUE: LIMIT}):
            await asyncio.Event().wait()


if __name__ == "__main__":
    main(ObanQueue, loop_factory=uvloop.new_event_loop)
